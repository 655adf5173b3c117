package trustfile

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"extractor/models"
	"extractor/targetapi"
)

func TestDescribe(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]targetapi.Company{
		`{"company": {"name": " Best Company Ever ", "phone": 5550100, "address": {"line1": "1 Dock Road", "line2": null, "city": "Reno", "state": "NV", "zip": 89501}}}`: {
			Name: "Best Company Ever", Address: models.Address{Line1: "1 Dock Road", City: "Reno", State: "NV", Zip: "89501"}},
		`{"company": {"name": null, "address": null}}`: {},
		`{"company": {"address": {"state": ["NV"]}}}`:  {},
		`{}`: {},
	} {
		target := open(t, wire(t, "/v3/connections/c", 200, body))
		if have, err := target.(targetapi.Describer).Describe(t.Context(), targetapi.Account{ConnectionID: "c"}); err != nil || have != want {
			t.Errorf("%s: %+v, %v", body, have, err)
		}
	}
	for status, kind := range map[int]models.Kind{404: models.NotFound, 401: models.Unauthorised, 503: models.Unsure} {
		target := open(t, wire(t, "/v3/connections/c", status, ""))
		if _, err := target.(targetapi.Describer).Describe(t.Context(), targetapi.Account{ConnectionID: "c"}); models.KindOf(err) != kind {
			t.Errorf("status %d: %v", status, err)
		}
	}
}

// office is a provisioning API: it answers the question and the signup as told.
type office struct {
	*httptest.Server
	mu      sync.Mutex
	signups []map[string]any
}

type reply struct {
	status int // 0 = hang up
	body   string
}

func (r reply) write(w http.ResponseWriter) {
	if r.status == 0 {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(r.status)
	io.WriteString(w, r.body)
}

func newOffice(t *testing.T, question, signup reply) *office {
	o := &office{}
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method + " " + r.URL.Path {
		case "GET /v4/company":
			if email := r.URL.Query().Get("email"); email != applicant.Email {
				t.Errorf("asked for %q", email)
			}
			question.write(w)
		case "POST /v4/company/signup":
			var body map[string]any
			if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
				t.Error(err)
			}
			o.mu.Lock()
			o.signups = append(o.signups, body)
			o.mu.Unlock()
			signup.write(w)
		default:
			t.Errorf("unexpected %s %s", r.Method, r.URL.Path)
		}
	}))
	t.Cleanup(o.Close)
	return o
}

func (o *office) seen() []map[string]any {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.signups
}

var applicant = targetapi.SignUp{
	Email: "owner+shop@mail.example", Company: strings.Repeat("Ä", 60), FirstName: "Ann", Phone: "+1 555 0100",
	Address: models.Address{Line1: "12 Canary Street", City: "Austin", State: "TX", Zip: "78701", Country: "US"},
}

var (
	unknownUser = reply{400, `{"success": false, "error": "No such user"}`}
	signedUp    = reply{200, `{"status": "Success", "notification": {"message": "ok", "options": {"level": "info"}}, "companyToken": "0b5e-token"}`}
)

func TestSignUp(t *testing.T) {
	t.Parallel()
	o := newOffice(t, unknownUser, signedUp)
	have, err := open(t, o.URL).(targetapi.Provisioner).SignUp(t.Context(), applicant)
	if err != nil || have != "0b5e-token" || len(o.seen()) != 1 {
		t.Fatalf("%q, %v after %d signups", have, err, len(o.seen()))
	}
	body := o.seen()[0]
	if name := body["companyName"].(string); utf8.RuneCountInString(name) != 50 || !strings.HasPrefix(applicant.Company, name) {
		t.Errorf("company's name %q", name)
	}
	if _, ok := body["lastName"]; ok || body["email"] != applicant.Email || body["companyState"] != "TX" || body["companyCountry"] != "US" {
		t.Errorf("body %v", body)
	}
}

func TestSignUpOutcomes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		question, signup reply
		kind             models.Kind
		signups          int
	}{
		"exists":               {reply{200, `{"success": true, "message": "User already exists"}`}, signedUp, models.Conflict, 0},
		"exists, as a word":    {reply{200, `{"success": "true"}`}, signedUp, models.Conflict, 0},
		"question refused":     {reply{401, ``}, signedUp, models.Unauthorised, 0},
		"question throttled":   {reply{429, ``}, signedUp, models.Throttled, 0},
		"question unanswered":  {reply{}, signedUp, models.Unavailable, 0},
		"question at a fault":  {reply{503, ``}, signedUp, models.Unavailable, 0},
		"failed":               {unknownUser, reply{400, `{"status": "Failed", "notification": {"message": "owner+shop@mail.example is odd"}}`}, models.Refused, 1},
		"failed with a 200":    {unknownUser, reply{200, `{"status": "Failed", "notification": {"message": "x"}}`}, models.Refused, 1},
		"exists after all":     {unknownUser, reply{400, `{"status": "Failed", "notification": {"message": "User already exists"}}`}, models.Conflict, 1},
		"success, no token":    {unknownUser, reply{200, `{"status": "Success"}`}, models.Unsure, 1},
		"success without word": {unknownUser, reply{200, `{"companyToken": "0b5e-token"}`}, models.Unsure, 1},
		"unreadable":           {unknownUser, reply{200, `<html>`}, models.Unsure, 1},
		"hung up":              {unknownUser, reply{}, models.Unsure, 1},
		"fault":                {unknownUser, reply{500, ``}, models.Unsure, 1},
		"unauthorised":         {unknownUser, reply{401, ``}, models.Unauthorised, 1},
	} {
		o := newOffice(t, c.question, c.signup)
		companyToken, err := open(t, o.URL).(targetapi.Provisioner).SignUp(t.Context(), applicant)
		if companyToken != "" || models.KindOf(err) != c.kind || len(o.seen()) != c.signups {
			t.Errorf("%s: %q, %v after %d signups", name, companyToken, err, len(o.seen()))
		}
		if err != nil && (strings.Contains(err.Error(), "owner") || strings.Contains(err.Error(), token)) {
			t.Errorf("%s: shows too much: %v", name, err)
		}
	}
}

func TestSignUpNeedsAName(t *testing.T) {
	t.Parallel()
	o := newOffice(t, unknownUser, signedUp)
	nameless := applicant
	nameless.Company = ""
	if _, err := open(t, o.URL).(targetapi.Provisioner).SignUp(t.Context(), nameless); models.KindOf(err) != models.Refused || len(o.seen()) != 0 {
		t.Errorf("%v after %d signups", err, len(o.seen()))
	}
	o.Close()
	if _, err := open(t, o.URL).(targetapi.Provisioner).SignUp(t.Context(), applicant); models.KindOf(err) != models.Unavailable {
		t.Errorf("nobody there: %v", err)
	}
}
