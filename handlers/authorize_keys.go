package handlers

import (
	"io"
	"log/slog"
	"net/http"

	"github.com/gin-gonic/gin"

	"extractor/hostapi"
	"extractor/models"
)

var (
	// errNoKeys is for a browser that came back before, or without, the keys.
	errNoKeys      = models.Errorf(models.Refused, "The browser came back, but no keys came.")
	errKeysUnread  = models.Errorf(models.Invalid, "The body cannot be read. Send the keys as JSON of at most %d bytes.", formLimit)
	errKeysMissing = models.Errorf(models.Invalid, "The body lacks the keys or the name that they were asked for under.")
)

// keysPath is where a Granter's host posts keys.
func keysPath(host string) string { return "/oauth/" + host + "/keys" }

// keys is POST /oauth/:host/keys: the host's server sends the keys that a
// merchant granted. They wait with the attempt for the merchant's browser, and
// are not believed before they were proved.
func (p *Popup) keys(c *gin.Context) {
	host := c.Param("host")
	granter, ok := p.Hosts[host].(hostapi.Granter)
	if !ok {
		notFound(c)
		return
	}
	state, token, err := readKeys(c, granter)
	if err == nil {
		err = p.Store.PutKeys(c, host, state, token)
	}
	if err != nil {
		p.refuseKeys(c, host, err)
		return
	}
	slog.InfoContext(c, "keys came", "host", host)
	c.JSON(http.StatusOK, gin.H{"success": true})
}

func readKeys(c *gin.Context, granter hostapi.Granter) (state string, token models.Token, err error) {
	body, err := io.ReadAll(c.Request.Body)
	if err != nil {
		return "", token, errKeysUnread.Because(err)
	}
	if state, token, err = granter.ReadKeys(body); err != nil {
		return "", token, err
	}
	if state == "" || token.Access == "" {
		return "", token, errKeysMissing
	}
	return state, token, nil
}

// refuseKeys answers the host's server. What it sent stays out of the log.
func (p *Popup) refuseKeys(c *gin.Context, host string, err error) {
	status := http.StatusInternalServerError
	switch models.KindOf(err) {
	case models.Invalid, models.Refused:
		status = http.StatusBadRequest
	case models.NotFound:
		status = http.StatusNotFound
	case models.Conflict:
		status = http.StatusConflict
	default:
		_ = c.Error(err)
	}
	slog.WarnContext(c, "keys not taken", "host", host, "kind", models.KindOf(err))
	text := apology(c)
	if status < http.StatusInternalServerError {
		text = models.Sentence(err, text)
	}
	c.AbortWithStatusJSON(status, message{text})
}
