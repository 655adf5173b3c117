package handlers

import (
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"

	"extractor/models"
)

// makeTicket is POST /connections/:id/authentication-tickets: {"url"} of a link
// that begins one attempt, within ten minutes. The body may hold redirectUri;
// without it the link needs it as a further parameter.
func (p *Popup) makeTicket(c *gin.Context) {
	redirect, err := p.ticketRedirect(c)
	if err != nil {
		fail(c, err, "")
		return
	}
	connection, err := p.Store.FindConnection(c, c.Param("id"))
	if err != nil {
		fail(c, err, "")
		return
	}
	ticket, err := p.Store.MakeTicket(c, models.Ticket{ConnectionID: connection.ID, Redirect: redirect})
	if err != nil {
		fail(c, err, "")
		return
	}
	c.JSON(http.StatusOK, gin.H{"url": p.PublicURL + "/connections/" + url.PathEscape(*connection.ExternalID) + "/authentication?" +
		url.Values{"ticket": {ticket}}.Encode()})
}

// ticketRedirect reads the body of a request for a ticket: nothing, or redirectUri.
func (p *Popup) ticketRedirect(c *gin.Context) (string, error) {
	body, err := readBody(c.Request)
	if err != nil || len(body) == 0 {
		return "", err
	}
	var in struct {
		RedirectURI maybe `json:"redirectUri"`
	}
	if err := decodeBytes(body, &in); err != nil {
		return "", err
	}
	if to := in.RedirectURI.text; to != nil && *to != "" {
		return p.redirects.resolve(*to)
	}
	return "", nil
}

// useTicket takes a ticket of the connection and says where its browser goes in
// the end: where the ticket says, else where the link does.
func (p *Popup) useTicket(c *gin.Context, connection *models.Connection, ticket, redirect string) (string, error) {
	t, err := p.Store.UseTicket(c, connection.ID, ticket)
	if err != nil {
		return "", err
	}
	if t.Redirect != "" {
		return t.Redirect, nil
	}
	if redirect == "" {
		return "", errNoRedirect
	}
	return redirect, nil
}
