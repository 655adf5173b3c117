package trustfile

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"extractor/internal/rest"
	"extractor/models"
	"extractor/targetapi"
)

// maxCompany is how many characters a company's name may have at signup.
const maxCompany = 50

// Describe tells the company behind a connection: GET /connections/{id}.
func (t *target) Describe(ctx context.Context, a targetapi.Account) (targetapi.Company, error) {
	address, err := t.connection(a)
	if err != nil {
		return targetapi.Company{}, err
	}
	var found struct {
		Company struct {
			Name    word          `json:"name"`
			Address storedAddress `json:"address"`
		} `json:"company"`
	}
	if err := t.items.JSON(ctx, http.MethodGet, address, t.bearer, nil, &found); err != nil {
		return targetapi.Company{}, err
	}
	c := found.Company
	return targetapi.Company{Name: string(c.Name), Address: models.Address{
		Line1: string(c.Address.Line1), City: string(c.Address.City), State: string(c.Address.State), Zip: string(c.Address.Zip),
	}}, nil
}

// SignUp makes a company: POST /company/signup. It asks first whether the user
// exists, because a second signup's outcome is not documented.
func (t *target) SignUp(ctx context.Context, s targetapi.SignUp) (string, error) {
	if s.Email == "" || s.Company == "" {
		return "", models.Errorf(models.Refused, "%s needs an e-mail address and a company's name to sign up. Add them at the host and start again.", title)
	}
	exists, err := t.userExists(ctx, s.Email)
	if err != nil {
		return "", err
	}
	if exists {
		return "", known()
	}
	answer, err := t.items.Send(ctx, http.MethodPost, t.appURL+"/company/signup", t.appAuth, application(s))
	if err != nil {
		return "", err
	}
	return t.companyToken(answer)
}

func known() error {
	return models.Errorf(models.Conflict, "%s knows this e-mail address already. Sign in there and add the connection from your account.", title)
}

// userExists asks GET /company?email=. Only success says yes; what the API
// answers for an unknown address is not documented. Whatever goes wrong here,
// nothing was signed up yet.
func (t *target) userExists(ctx context.Context, email string) (bool, error) {
	address := t.appURL + "/company?" + url.Values{"email": {email}}.Encode()
	answer, err := t.items.Send(ctx, http.MethodGet, address, t.appAuth, nil)
	if err != nil {
		return false, untried(err)
	}
	switch err := t.items.Check(answer); models.KindOf(err) {
	case models.Unauthorised, models.Throttled, models.Unsure, models.Unavailable:
		return false, untried(err)
	}
	var said struct {
		Success word `json:"success"`
	}
	_ = json.Unmarshal(answer.Body, &said) // what cannot be read does not say yes
	return said.Success.truth(), nil
}

// untried makes an unclear outcome of the question a clear one of the signup.
func untried(err error) error {
	var e *models.Error
	if !errors.As(err, &e) || e.Kind != models.Unsure {
		return err
	}
	certain := *e
	certain.Kind = models.Unavailable
	return &certain
}

// application is the body of a signup: flat, without what is unknown.
func application(s targetapi.SignUp) map[string]string {
	body := map[string]string{
		"email": s.Email, "companyName": strings.TrimSpace(cut(s.Company, maxCompany)),
		"firstName": s.FirstName, "lastName": s.LastName, "companyPhone": s.Phone,
		"companyLine1": s.Address.Line1, "companyCity": s.Address.City, "companyState": s.Address.State,
		"companyZip": s.Address.Zip, "companyCountry": s.Address.Country,
	}
	for name, value := range body {
		if value == "" {
			delete(body, name)
		}
	}
	return body
}

// companyToken reads the answer to a signup. The status word decides, not the
// code: an older server says Failed with a 200.
func (t *target) companyToken(a *rest.Answer) (string, error) {
	var said struct {
		Status       word `json:"status"`
		Token        word `json:"companyToken"`
		Notification struct {
			Message word `json:"message"`
		} `json:"notification"`
	}
	readable := json.Unmarshal(a.Body, &said) == nil
	switch {
	case readable && said.Status == "Success" && said.Token != "" && a.Status < 300:
		return string(said.Token), nil
	case readable && said.Status == "Failed" && strings.Contains(strings.ToLower(string(said.Notification.Message)), "already exist"):
		return "", known()
	case readable && said.Status == "Failed":
		return "", models.Errorf(models.Refused, "%s did not accept the signup. Check the company's details at the host and start again.", title)
	case a.Status < 300:
		return "", models.Errorf(models.Unsure, "%s answered a signup without the company's token. Ask Avalara's support for it.", title)
	}
	return "", t.items.Check(a)
}
