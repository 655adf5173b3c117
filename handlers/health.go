package handlers

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/gin-gonic/gin"

	"extractor/models"
)

// health words of the contract.
const (
	healthOK       = "OK"
	healthDegraded = "DEGRADED"
	healthFail     = "FAIL"
	nominal        = "NOMINAL"
)

// graceOfTarget is how long the target may fail before that is more than a
// hiccup: longer than the first few retries, well below the contract's hour.
const graceOfTarget = 5 * time.Minute

type health struct {
	Type        string `json:"type"`
	Status      string `json:"status"`
	Description string `json:"description"`
}

// GET /health, GET /orangez/health
//
// No neighbour is asked: the workers note what they meet, and a neighbour is OK
// until one of their calls has failed.
func (a *api) health(c *gin.Context) {
	body, err := a.vitals.get(c.Request.Context())
	if err != nil {
		fail(c, err, "Unable to get statuses")
		return
	}
	respond(c, body)
}

// takeVitals makes the body of the answer, which stays as it is while it is kept.
func (a *api) takeVitals(ctx context.Context) ([]byte, error) {
	p, err := a.Store.Pulse(ctx)
	if err != nil {
		return nil, err
	}
	return json.Marshal(gin.H{"statuses": []health{connectorHealth(p), hostHealth(p), targetHealth(p)}})
}

// waitingLong is how long work may wait for a worker before that is more than
// a busy moment.
const waitingLong = 5 * time.Minute

func connectorHealth(p *models.Pulse) health {
	h := health{"connector", healthOK, nominal}
	switch missing := p.Crew.Missing(); {
	case missing != "":
		h.Status, h.Description = healthFail, missing
	case p.Service.Pause != "":
		h.Status, h.Description = healthFail, "Paused by ourselves; see GET /errors for the reason."
	case !p.Service.Enabled:
		h.Status, h.Description = healthDegraded, "Switched off by PUT /connector."
	case p.WaitingSince != nil && p.Now.Sub(*p.WaitingSince) > waitingLong:
		h.Status, h.Description = healthDegraded, "Work has been waiting for a worker since "+timestamp(*p.WaitingSince)+". If this lasts, start more workers."
	case p.Failing > 0:
		h.Status, h.Description = healthDegraded, fmt.Sprintf("Work fails again and again for %d of %d connections; GET /errors and the log tell why. We try again by ourselves.", p.Failing, p.Active)
	}
	return h
}

// hostHealth judges by the share of connections whose host fails: one alone is
// rather that merchant's own trouble.
func hostHealth(p *models.Pulse) health {
	h := health{"hostSystem", healthOK, nominal}
	switch {
	case p.Troubled > 0:
		h.Status = shareStatus(p.Troubled, p.Active)
		h.Description = fmt.Sprintf("The host system fails for %d of %d connections.", p.Troubled, p.Active)
	case p.Unauthorised > 0:
		h.Status = shareStatus(p.Unauthorised, p.Active+p.Unauthorised)
		h.Description = fmt.Sprintf("The host system no longer lets us in for %d of %d connections; GET /errors names them. "+
			"Their merchants have to reauthorise; if all are concerned, look at our own credentials there.", p.Unauthorised, p.Active+p.Unauthorised)
	case 2*p.Throttled > p.Active: // fewer: their merchants' own doing
		h.Status = healthDegraded
		h.Description = fmt.Sprintf("The host system makes us wait for %d of %d connections; sales arrive later, nothing is lost.", p.Throttled, p.Active)
	}
	return h
}

// shareStatus calls it a failure of all when half of them are concerned.
func shareStatus(part, all int64) string {
	if 2*part >= all {
		return healthFail
	}
	return healthDegraded
}

func targetHealth(p *models.Pulse) health {
	h := health{"trustfile", healthOK, nominal}
	failing := p.Service.TargetFailingSince
	switch {
	case p.Service.Pause == models.PauseTokenRefused:
		h.Status, h.Description = healthFail, "TrustFile does not accept our token."
	case p.Service.DoubtedAt != nil:
		h.Status, h.Description = healthDegraded, "TrustFile refused our token once; we ask again before we believe it."
	case failing == nil && p.Unknown > 0:
		h.Status, h.Description = healthDegraded, fmt.Sprintf("TrustFile does not know %d of our connections; GET /errors names them. We ask again by ourselves.", p.Unknown)
	case failing == nil:
	case p.Now.Sub(*failing) < graceOfTarget:
		h.Status, h.Description = healthDegraded, "TrustFile began to fail a moment ago; we try again."
	default:
		h.Status, h.Description = healthFail, "TrustFile has been failing since "+timestamp(*failing)+"; we try again."
	}
	return h
}
