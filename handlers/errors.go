package handlers

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"extractor/models"
)

const noErrors = "Unable to retrieve error logs"

// failure is one line of GET /errors.
type failure struct {
	Type      models.FailureType `json:"type"`
	Timestamp string             `json:"timestamp"`
	Message   string             `json:"message"`
}

// failures are sorted by where they belong; all lists are present, also when empty.
type failures struct {
	Integration []failure `json:"integration"`
	Connection  []failure `json:"connection"`
	System      []failure `json:"system"`
}

// GET /errors?date=
func (a *api) listErrors(c *gin.Context) {
	from, err := since(c)
	if err != nil {
		fail(c, err, noErrors)
		return
	}
	rows, err := a.Store.Failures(c.Request.Context(), from)
	if err != nil {
		fail(c, err, noErrors)
		return
	}
	c.JSON(http.StatusOK, gin.H{"errors": sorted(rows)})
}

func sorted(rows []models.Failure) failures {
	f := failures{Integration: []failure{}, Connection: []failure{}, System: []failure{}}
	lists := map[models.FailureType]*[]failure{
		models.FailureIntegration: &f.Integration, models.FailureConnection: &f.Connection, models.FailureSystem: &f.System,
	}
	for _, r := range rows {
		if list := lists[r.Type]; list != nil {
			*list = append(*list, failure{r.Type, timestamp(r.At), r.Message})
		}
	}
	return f
}
