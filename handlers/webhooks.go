package handlers

import (
	"errors"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"extractor/hostapi"
	"extractor/models"
)

const (
	webhookRoute = "/webhooks/:host"
	// webhookLimit is above the largest notice of any host: an order with all its
	// lines comes along with some, though we only read whose it is.
	webhookLimit = 5 << 20
)

// WebhookURL is where a host posts its notices; publicURL is an origin.
func WebhookURL(publicURL, host string) string {
	return strings.TrimRight(publicURL, "/") + strings.ReplaceAll(webhookRoute, ":host", host)
}

// POST /webhooks/:host
//
// The host has its answer when what it said is on disk, and may forget it then.
func (a *api) receive(c *gin.Context) {
	host := c.Param("host")
	waker, ok := a.Hosts[host].(hostapi.Waker)
	if !ok {
		fail(c, models.Errorf(models.NotFound, "There is no host of this name that sends notices."), "")
		return
	}
	body, err := readBody(c.Request)
	if err != nil {
		fail(c, err, "")
		return
	}
	said, err := waker.Wake(c.Request, body)
	if err != nil {
		failNotice(c, err)
		return
	}
	if err := a.Store.RecordNotice(c, noticeOf(host, said)); err != nil {
		failRecord(c, err)
		return
	}
	c.JSON(http.StatusOK, gin.H{})
}

func noticeOf(host string, said hostapi.Notice) models.Notice {
	n := models.Notice{Host: host, Wake: said.Wake}
	for _, p := range said.Privacy {
		n.Privacy = append(n.Privacy, models.PrivacyRequest{Kind: models.PrivacyKind(p.Kind), Account: p.Account, Records: p.Records})
	}
	return n
}

// failNotice answers a notice that is not the host's, or cannot be read.
func failNotice(c *gin.Context, err error) {
	if models.KindOf(err) != models.Unauthorised {
		fail(c, err, "")
		return
	}
	_ = c.Error(err)
	c.AbortWithStatusJSON(http.StatusUnauthorized, message{models.Sentence(err, "The signature is not right.")})
}

// failRecord answers a notice that could not be kept, so that the host sends it again.
func failRecord(c *gin.Context, err error) {
	var known *models.Error
	if errors.As(err, &known) {
		fail(c, err, "")
		return
	}
	_ = c.Error(err)
	c.Header("Retry-After", "5")
	c.AbortWithStatusJSON(http.StatusServiceUnavailable, message{"The notice could not be kept just now. Please send it again in some seconds."})
}
