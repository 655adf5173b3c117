package handlers

import (
	"context"

	"github.com/gin-gonic/gin"

	"extractor/hostapi"
	"extractor/models"
)

// way is one merchant's way into an account of a host.
type way struct {
	attempt    *models.Attempt
	host       hostapi.Host
	connection *models.Connection // for an install an empty one
}

// wayOf finds what an attempt leads into.
func (p *Popup) wayOf(ctx context.Context, a *models.Attempt) (way, error) {
	host, err := p.entered(a.Host)
	if err != nil {
		return way{}, err
	}
	if a.ConnectionID == nil {
		return way{a, host, &models.Connection{Host: a.Host}}, nil
	}
	connection, err := p.Store.ConnectionByID(ctx, *a.ConnectionID)
	return way{a, host, connection}, err
}

// entered is the host of that name, if merchants let us in there: by OAuth, or
// by keys that it hands out.
func (p *Popup) entered(name string) (hostapi.Host, error) {
	host := p.Hosts[name]
	switch host.(type) {
	case hostapi.Authorizer, hostapi.Granter:
		return host, nil
	}
	return nil, models.Errorf(models.NotFound, "This service does not connect accounts of that kind. Check the address.")
}

// beginAttempt notes an attempt for this browser.
func (p *Popup) beginAttempt(c *gin.Context, a models.Attempt) (state string, err error) {
	if _, err := p.entered(a.Host); err != nil {
		return "", err
	}
	return p.Store.BeginAttempt(c, a, p.cookie.given(c))
}

// beginWay is beginAttempt where the connection is at hand.
func (p *Popup) beginWay(c *gin.Context, connection *models.Connection, a models.Attempt) (w way, state string, err error) {
	if state, err = p.beginAttempt(c, a); err != nil {
		return w, "", err
	}
	return way{&a, p.Hosts[a.Host], connection}, state, nil
}
