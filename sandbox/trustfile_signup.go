package sandbox

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"
)

// maxCompanyName is the longest name of a company, in characters.
const maxCompanyName = 50

// findUser answers GET /v4/company?email=: whether the user exists, never the token.
func (t *TrustFile) findUser(w http.ResponseWriter, r *http.Request) {
	email := strings.ToLower(r.URL.Query().Get("email"))
	if email == "" {
		answer(w, http.StatusBadRequest, map[string]any{"success": false, "error": "No email address provided"})
		return
	}
	t.mu.Lock()
	_, exists := t.companies[email]
	t.mu.Unlock()
	if exists {
		answer(w, http.StatusOK, map[string]any{"success": true, "message": "User already exists"})
		return
	}
	answer(w, http.StatusOK, map[string]any{"success": false, "message": "User does not exist"})
}

// signUp answers POST /v4/company/signup: makes a company.
func (t *TrustFile) signUp(w http.ResponseWriter, r *http.Request) {
	if f, ok := t.faults.take(func(f *Fault) bool { return f.Door == doorSignup }); ok {
		t.signUpBadly(w, r, f)
		return
	}
	c, err := t.enrol(r)
	if err != nil {
		answerSignUp(w, http.StatusBadRequest, "Failed", err.Error(), "")
		return
	}
	answerSignUp(w, http.StatusOK, "Success", "Welcome to TrustFile", c.Token)
}

// doorSignup is the door of faults that concern provisioning.
const doorSignup = "signup"

// signUpBadly fails as told: "timeout" makes the company and loses the answer,
// "400" is the older server's refusal, which came with 200.
func (t *TrustFile) signUpBadly(w http.ResponseWriter, r *http.Request, f Fault) {
	switch f.Kind {
	case FaultTimeout:
		_, _ = t.enrol(r)
		wait(r.Context(), f.Delay())
		hangUp()
	case FaultRefuse:
		answerSignUp(w, http.StatusOK, "Failed", "Something is missing", "")
	case FaultToken:
		refuse(w, http.StatusUnauthorized, "You are not authorized")
	default:
		answerFault(w, f)
	}
}

func answerSignUp(w http.ResponseWriter, status int, word, message, token string) {
	body := map[string]any{"status": word, "notification": map[string]any{
		"message": message, "options": map[string]string{"level": strings.ToLower(word)},
	}}
	if token != "" {
		body["companyToken"] = token
	}
	answer(w, status, body)
}

// enrol makes a company of a signup.
func (t *TrustFile) enrol(r *http.Request) (Company, error) {
	var in struct{ Email, CompanyName string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return Company{}, fmt.Errorf("the body is not JSON")
	}
	switch {
	case !strings.Contains(in.Email, "@"):
		return Company{}, fmt.Errorf("email is required")
	case in.CompanyName == "":
		return Company{}, fmt.Errorf("companyName is required")
	case utf8.RuneCountInString(in.CompanyName) > maxCompanyName:
		return Company{}, fmt.Errorf("companyName has at most %d characters", maxCompanyName)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	key := strings.ToLower(in.Email)
	if _, exists := t.companies[key]; exists {
		return Company{}, fmt.Errorf("user already exists")
	}
	c := Company{Name: in.CompanyName, Email: in.Email, Token: newUUID()}
	t.companies[key] = c
	return c, nil
}

// newUUID makes a random UUID (version 4).
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Companies are the companies that signed up.
func (t *TrustFile) Companies() []Company {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all []Company
	for _, c := range t.companies {
		all = append(all, c)
	}
	return all
}
