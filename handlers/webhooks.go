package handlers

import (
	"errors"
	"io"
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
	// smallNotice is what most notices stay below; such ones are always read.
	smallNotice = 64 << 10
	// largeNotices is how many larger ones are in memory at once, whose signature
	// was not checked yet: anybody may send them. Others wait.
	largeNotices = 4
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
	body, leave, err := a.readNotice(c.Request)
	if err != nil {
		fail(c, err, "")
		return
	}
	defer leave()
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

// readNotice reads the body of a notice. leave makes room for another large one.
func (a *api) readNotice(r *http.Request) (body []byte, leave func(), err error) {
	whole := r.Body
	r.Body = io.NopCloser(io.LimitReader(whole, smallNotice+1))
	begin, err := readBody(r)
	if err != nil || len(begin) <= smallNotice {
		return begin, func() {}, err
	}
	select {
	case a.large <- struct{}{}:
	case <-r.Context().Done():
		return nil, nil, r.Context().Err()
	}
	leave = func() { <-a.large }
	r.Body = whole
	rest, err := readBody(r)
	if err != nil {
		leave()
		return nil, nil, err
	}
	return append(begin, rest...), leave, nil
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
