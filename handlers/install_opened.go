package handlers

import (
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"extractor/hostapi"
	"extractor/models"
)

// opened is GET /install/:host/opened: a merchant looks at the app inside the
// host's own pages, or the host says there that it was removed. The query is
// signed; all that follows from it is a page and a look at the account.
func (p *Popup) opened(c *gin.Context) {
	name := c.Param("host")
	host, ok := p.Hosts[name].(hostapi.Opener)
	if !ok {
		p.refuse(c, models.Errorf(models.NotFound, "This service is not shown inside that host. Check the address."))
		return
	}
	account, err := host.Opened(c.Request.URL.Query())
	if err != nil {
		p.refuseOpened(c, name, err)
		return
	}
	if err := p.Store.RecordNotice(c, models.Notice{Host: name, Wake: []string{account}}); err != nil {
		p.refuse(c, err)
		return
	}
	v, err := p.openedPage(c, name, account)
	if err != nil {
		p.refuse(c, err)
		return
	}
	c.Header("Content-Security-Policy", contentPolicy([]string{"*"})) // the host's pages are at addresses of its choice; there is nothing to click
	p.show(c, http.StatusOK, v)
}

// refuseOpened answers a query that is not the host's.
func (p *Popup) refuseOpened(c *gin.Context, name string, err error) {
	if models.KindOf(err) != models.Unauthorised {
		p.refuse(c, err)
		return
	}
	_ = c.Error(err)
	p.answer(c, http.StatusForbidden, page{Title: "This link does not work", Text: []string{models.Sentence(err, "")},
		Small: "Open the app from within " + p.Store.Title(name) + " again."})
}

// openedPage says how the account's connection stands.
func (p *Popup) openedPage(c *gin.Context, name, account string) (page, error) {
	connection, err := p.Store.ConnectionOfAccount(c, name, account)
	var known *models.Error
	switch {
	case errors.As(err, &known) && known.Kind == models.NotFound:
		return page{Title: "This account is not connected to TrustFile",
			Text: []string{"Connect it in TrustFile, or install the app again."}}, nil
	case err != nil:
		return page{}, err
	}
	return page{Title: p.Store.Title(name) + " and TrustFile", Text: []string{connection.StatusMessage}}, nil
}
