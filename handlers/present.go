package handlers

import (
	"context"
	"fmt"
	"time"

	"extractor/models"
)

// present is what keeps connections from being synchronised now through no
// fault of theirs. It passes by itself, so it lies over a connection's status and
// is not written there.
type present struct {
	service *models.Service
	crew    *models.Crew
	failing map[int64]bool
}

// present reads the service's row, and who works, as known for some seconds.
func (a *api) present(ctx context.Context) (*present, error) {
	service, err := a.service.get(ctx)
	if err != nil {
		return nil, err
	}
	return a.presentOf(ctx, service)
}

func (a *api) presentOf(ctx context.Context, service *models.Service) (*present, error) {
	crew, err := a.crew.get(ctx)
	if err != nil {
		return nil, err
	}
	failing, err := a.failing.get(ctx)
	if err != nil {
		return nil, err
	}
	return &present{service, crew, failing}, nil
}

// works reports whether anything is synchronised at all.
func (p *present) works() bool { return p.service.Working() && p.crew.Alive > 0 }

// sentence is what the merchant of a connection is told instead of its own
// state; "" = nothing, its own state counts.
func (p *present) sentence(c *models.Shown, host string) string {
	const later = " Nothing is lost; it resumes by itself, and there is nothing to do for you."
	switch {
	case !c.Active:
		return ""
	case !p.service.Working():
		return "The whole connector is stopped at the moment, so nothing is synchronised. It resumes here when the connector does; there is nothing to do for you."
	case p.crew.Alive == 0:
		return "Our workers are not running at the moment, so nothing is synchronised. Our operators are told." + later
	case p.service.TargetFails():
		return "TrustFile does not answer as it should at the moment, so what we read waits here." + later
	case p.failing[c.ID]:
		return "Synchronising stops at a fault of ours at the moment; we try again. Our operators are told." + later
	case c.ThrottledUntil != nil && time.Now().Before(*c.ThrottledUntil):
		return fmt.Sprintf("%s makes us wait at the moment, so sales arrive later.", host) + later
	}
	return ""
}

// state is what operators are told of the service as a whole.
func (p *present) state() string {
	missing := p.crew.Missing()
	switch {
	case missing != "":
		return missing
	case p.service.Pause == models.PauseTokenRefused:
		return "Paused by ourselves: TrustFile refuses our token. Set the right EXTRACTOR_TO_AVALARA_TOKEN; we resume as soon as it is taken. Nothing is lost."
	case p.service.Pause != "":
		return "Paused by ourselves: TrustFile has not answered for an hour. We ask it every few minutes and resume by ourselves. Nothing is lost."
	case !p.service.Enabled:
		return "Switched off. Switch it on with PUT /connector to resume."
	case p.service.TargetFails():
		return "TrustFile does not answer as it should. We keep trying and nothing is lost; see GET /errors."
	case len(p.failing) > 0:
		return fmt.Sprintf("Work fails again and again for %d connections; GET /errors names them, and the log has the cause.", len(p.failing))
	}
	return "The connector works. There is nothing to do."
}
