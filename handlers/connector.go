package handlers

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"

	"extractor/models"
)

const (
	noConnector       = "Unable to get status."
	noConnectorSwitch = "Unable to enable/disable connector"
)

// connector is the answer of both routes.
type connector struct {
	Enabled       bool             `json:"enabled"`
	UserCount     int64            `json:"userCount"`
	LastUpdatedAt string           `json:"lastUpdatedAt"`
	StatusMessage string           `json:"statusMessage"`
	Metrics       connectorMetrics `json:"metrics"`
}

// connectorMetrics are for operators; a duration is null when no job ended lately.
type connectorMetrics struct {
	JobsPending       int64    `json:"jobsPending"`
	JobsDurationMin   *float64 `json:"jobsDurationMin"`
	JobsDurationMax   *float64 `json:"jobsDurationMax"`
	JobsDurationAvg   *float64 `json:"jobsDurationAvg"`
	HourlySyncedCount int64    `json:"hourlySyncedCount"`
	DailySyncedCount  int64    `json:"dailySyncedCount"`
}

// GET /connector
func (a *api) showConnector(c *gin.Context) {
	service, err := a.Store.Service(c.Request.Context())
	if err != nil {
		fail(c, err, noConnector)
		return
	}
	a.answerConnector(c, service, noConnector)
}

// PUT /connector
func (a *api) switchConnector(c *gin.Context) {
	enabled, err := readSwitch(c)
	if err != nil {
		fail(c, err, noConnectorSwitch)
		return
	}
	service, err := a.Store.SwitchService(c.Request.Context(), enabled)
	a.service.forget() // who switches looks at once
	if err != nil {
		fail(c, err, noConnectorSwitch)
		return
	}
	a.answerConnector(c, service, noConnectorSwitch)
}

// readSwitch takes enabled from the body, or from the query where there is no
// body: the contract's prose says query, its schema says body.
func readSwitch(c *gin.Context) (bool, error) {
	body, err := readBody(c.Request)
	if err != nil {
		return false, err
	}
	enabled, err := boolean(c, "enabled")
	if err != nil {
		return false, err
	}
	var given struct {
		Enabled *bool `json:"enabled"`
	}
	if len(body) > 0 {
		if err := decodeBytes(body, &given); err != nil {
			return false, err
		}
	}
	return agreed(given.Enabled, enabled)
}

func agreed(inBody, inQuery *bool) (bool, error) {
	switch {
	case inBody == nil && inQuery == nil:
		return false, models.Errorf(models.Invalid, `Say what you want: {"enabled": true} or {"enabled": false}.`)
	case inBody == nil:
		return *inQuery, nil
	case inQuery != nil && *inQuery != *inBody:
		return false, models.Errorf(models.Invalid, "The body and the query say different things about enabled. Send one of them.")
	}
	return *inBody, nil
}

func (a *api) answerConnector(c *gin.Context, service *models.Service, ours string) {
	answer, err := a.connectorOf(c.Request.Context(), service)
	if err != nil {
		fail(c, err, ours)
		return
	}
	c.JSON(http.StatusOK, answer)
}

func (a *api) connectorOf(ctx context.Context, service *models.Service) (*connector, error) {
	users, err := a.Store.UserCount(ctx)
	if err != nil {
		return nil, err
	}
	w, err := a.workload.get(ctx)
	if err != nil {
		return nil, err
	}
	now, err := a.presentOf(ctx, service)
	if err != nil {
		return nil, err
	}
	return &connector{
		Enabled: service.Working(), UserCount: users, LastUpdatedAt: timestamp(service.UpdatedAt), StatusMessage: now.state(),
		Metrics: connectorMetrics{
			JobsPending: w.JobsPending, JobsDurationMin: w.DurationMin, JobsDurationMax: w.DurationMax,
			JobsDurationAvg: w.DurationAvg, HourlySyncedCount: w.HourlySyncedCount, DailySyncedCount: w.DailySyncedCount,
		},
	}, nil
}
