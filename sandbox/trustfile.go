package sandbox

import (
	"crypto/subtle"
	"net/http"
	"strings"
	"sync"
)

// The bases of the stand-in TrustFile's APIs, and the page a popup may end on.
const (
	itemsBase   = "/v3"
	routingBase = "/routing/v3"
	appBase     = "/v4"
	successPath = "/connectors/success"
)

// routingConsumer is what the Transaction Routing Service wants beside the items.
const routingConsumer = "avalaraccount"

// TrustFile is the stand-in target.
type TrustFile struct {
	mux          *http.ServeMux
	token        string
	routingToken string
	countOnly    bool
	faults       faults

	mu        sync.Mutex
	books     map[string]*book
	companies map[string]Company // by e-mail, lower case
}

// Company is the owner of a connection.
type Company struct {
	Name  string `json:"name"`
	Email string `json:"email,omitempty"`
	Token string `json:"companyToken"`
}

// defaultCompany is the name of a company nobody signed up.
const defaultCompany = "Best Company Ever"

func newTrustFile(c Config) *TrustFile {
	t := &TrustFile{
		mux: http.NewServeMux(), token: c.Token, routingToken: c.RoutingToken, countOnly: c.CountOnly,
		books: map[string]*book{}, companies: map[string]Company{},
	}
	t.route()
	return t
}

// ServeHTTP serves the APIs, the control API and the pages.
func (t *TrustFile) ServeHTTP(w http.ResponseWriter, r *http.Request) { t.mux.ServeHTTP(w, r) }

func (t *TrustFile) route() {
	for base, token := range map[string]string{itemsBase: t.token, routingBase: t.routingToken} {
		t.mux.HandleFunc("POST "+base+"/connections/{id}/items", t.asked(token, t.postItems(base == routingBase)))
		t.mux.HandleFunc("GET "+base+"/connections/{id}/items/{itemId}", t.asked(token, t.getItem))
		t.mux.HandleFunc("GET "+base+"/connections/{id}", t.asked(token, t.getConnection))
	}
	t.mux.HandleFunc("GET "+appBase+"/company", t.asked(t.token, t.findUser))
	t.mux.HandleFunc("POST "+appBase+"/company/signup", t.asked(t.token, t.signUp))

	t.mux.HandleFunc("GET /control/items", t.controlItems)
	t.mux.HandleFunc("GET /control/stats", t.controlStats)
	t.mux.HandleFunc("GET /control/requests", t.controlRequests)
	t.mux.HandleFunc("POST /control/faults", t.controlFaults)
	t.mux.HandleFunc("POST /control/reset", t.controlReset)
	t.mux.HandleFunc("GET "+successPath, t.success)
	t.mux.HandleFunc("GET /app", t.app)
	t.mux.HandleFunc("GET /{$}", t.page)
}

// asked lets in who carries the bearer.
func (t *TrustFile) asked(token string, then http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		given, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if subtle.ConstantTimeCompare([]byte(given), []byte(token)) != 1 {
			refuse(w, http.StatusUnauthorized, "You are not authorized")
			return
		}
		then(w, r)
	}
}

// book finds or opens the book of a connection: every id is known here unless
// a fault says otherwise.
func (t *TrustFile) book(id string) *book {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := t.books[id]
	if b == nil {
		b = newBook(id, t.countOnly)
		t.books[id] = b
	}
	return b
}

// getConnection answers GET /connections/{id}: whose books these are.
func (t *TrustFile) getConnection(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if t.failed(w, r, id) {
		return
	}
	answer(w, http.StatusOK, map[string]any{"company": map[string]any{
		"name": t.companyOf(id).Name, "syncDate": nil, "phone": "5555550100", "fax": nil,
		"createdAt": "2020-01-01T00:00:00Z", "updatedAt": "2020-01-01T00:00:00Z",
		"address": map[string]any{
			"line1": "1 Main St", "line2": nil, "line3": nil, "city": "Seattle", "state": "WA", "zip": "98101",
		},
	}})
}

// companyOf is the company with this token.
func (t *TrustFile) companyOf(token string) Company {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.companies {
		if c.Token == token {
			return c
		}
	}
	return Company{Name: defaultCompany, Token: token}
}
