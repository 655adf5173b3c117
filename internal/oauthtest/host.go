package oauthtest

import (
	"context"
	"net/http"
	"net/url"

	"golang.org/x/oauth2"

	"extractor/internal/rest"
	"extractor/models"
)

// Config is the client's registration at the server.
func (s *Server) Config() *oauth2.Config {
	return &oauth2.Config{
		ClientID: ClientID, ClientSecret: ClientSecret, Scopes: []string{"orders"},
		Endpoint: oauth2.Endpoint{AuthURL: s.URL + "/authorize", TokenURL: s.URL + "/token"},
	}
}

// Me asks the API whose account the client opens. post sends a body along.
func (s *Server) Me(ctx context.Context, c *http.Client, post bool) (Holder, error) {
	var who Holder
	method, in := http.MethodGet, any(nil)
	if post {
		method, in = http.MethodPost, any(map[string]string{"hello": "there"})
	}
	err := rest.Caller{Client: c, Title: "Testshop"}.JSON(ctx, method, s.URL+"/api/me", nil, in, &who)
	return who, err
}

// Shipping is an address to sign up with.
var Shipping = models.Address{Line1: "1 Main St", City: "Seattle", State: "WA", Zip: "98101", Country: "US"}

// ConsentForm posts the consent page's form as a browser does and gives the
// address that the server redirects to.
func (s *Server) ConsentForm(consentURL string, allow bool) (*url.URL, error) {
	c := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	form := url.Values{"allow": {""}}
	if allow {
		form.Set("allow", "1")
	}
	res, err := c.PostForm(consentURL, form)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	return res.Location()
}
