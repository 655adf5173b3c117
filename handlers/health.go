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

func connectorHealth(p *models.Pulse) health {
	h := health{"connector", healthOK, nominal}
	switch {
	case p.Service.Pause != "":
		h.Status, h.Description = healthFail, "Paused by ourselves; see GET /errors for the reason."
	case !p.Service.Enabled:
		h.Status, h.Description = healthDegraded, "Switched off by PUT /connector."
	}
	return h
}

// hostHealth judges by the share of connections whose host fails: one alone is
// rather that merchant's own trouble.
func hostHealth(p *models.Pulse) health {
	h := health{"hostSystem", healthOK, nominal}
	if p.Troubled == 0 {
		return h
	}
	h.Status = healthDegraded
	if 2*p.Troubled >= p.Active {
		h.Status = healthFail
	}
	h.Description = fmt.Sprintf("The host system fails for %d of %d connections.", p.Troubled, p.Active)
	return h
}

func targetHealth(p *models.Pulse) health {
	h := health{"trustfile", healthOK, nominal}
	failing := p.Service.TargetFailingSince
	switch {
	case p.Service.Pause == models.PauseTokenRefused:
		h.Status, h.Description = healthFail, "TrustFile does not accept our token."
	case p.Service.DoubtedAt != nil:
		h.Status, h.Description = healthDegraded, "TrustFile refused our token once; we ask again before we believe it."
	case failing == nil:
	case p.Now.Sub(*failing) < graceOfTarget:
		h.Status, h.Description = healthDegraded, "TrustFile began to fail a moment ago; we try again."
	default:
		h.Status, h.Description = healthFail, "TrustFile has been failing since "+timestamp(*failing)+"; we try again."
	}
	return h
}
