package handlers

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

const (
	activityDays      = 14  // the contract's default
	activityLimit     = 100 // the contract's default
	mostActivityDays  = 365 // more reads as a year
	mostActivityLimit = 10_000
)

const noActivities = "Unable to retrieve activity logs."

type activity struct {
	Timestamp string `json:"timestamp"`
	Action    string `json:"action"`
}

// GET /connections/{id}/activities?days=&limit=
func (a *api) listActivities(c *gin.Context) {
	found, err := a.find(c)
	if err != nil {
		fail(c, err, noActivities)
		return
	}
	days, limit, err := span(c)
	if err != nil {
		fail(c, err, noActivities)
		return
	}
	rows, err := a.Store.Activities(c.Request.Context(), found.ID, days, limit)
	if err != nil {
		fail(c, err, noActivities)
		return
	}
	list := make([]activity, len(rows))
	for i, r := range rows {
		list[i] = activity{timestamp(r.At), r.Action}
	}
	c.JSON(http.StatusOK, gin.H{"activities": list})
}

func span(c *gin.Context) (days, limit int, err error) {
	if days, err = number(c, "days", activityDays, mostActivityDays); err != nil {
		return 0, 0, err
	}
	limit, err = number(c, "limit", activityLimit, mostActivityLimit)
	return days, limit, err
}
