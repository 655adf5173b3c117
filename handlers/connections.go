package handlers

import (
	"errors"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"extractor/hostapi"
	"extractor/internal/failpoint"
	"extractor/models"
)

// summary is the contract's ConnectionSummary.
type summary struct {
	ConnectionID string  `json:"connectionId"`
	StartDate    *string `json:"startDate"`
	Enabled      bool    `json:"enabled"`
}

func summaryOf(c *models.Connection) summary {
	return summary{ConnectionID: *c.ExternalID, StartDate: optionalDate(c.StartDate), Enabled: c.Enabled}
}

// detail is the contract's ConnectionDetail; what is not known is null.
type detail struct {
	Enabled              bool    `json:"enabled"`
	Authorized           bool    `json:"authorized"`
	HostSystemIdentifier *string `json:"hostSystemIdentifier"`
	StartDate            *string `json:"startDate"`
	StatusChangedAt      string  `json:"statusChangedAt"`
	LastSyncAt           *string `json:"lastSyncAt"`
	NextSyncAt           *string `json:"nextSyncAt"`
	StatusMessage        string  `json:"statusMessage"`
}

// connectionID is what a connectionId may look like: it is part of addresses.
var connectionID = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._~:@+=-]{0,199}$`)

func checkConnectionID(id string) error {
	if !connectionID.MatchString(id) {
		return models.Errorf(models.Invalid, "The connectionId must have 1 to 200 characters: letters, digits and . _ ~ : @ + = - (a letter, digit or _ first).")
	}
	return nil
}

// GET /connections?enabled=
func (a *api) listConnections(c *gin.Context) {
	enabled, err := boolean(c, "enabled")
	if err != nil {
		fail(c, err, "")
		return
	}
	ids, err := a.Store.ListConnections(c.Request.Context(), enabled == nil || *enabled)
	if err != nil {
		fail(c, err, "")
		return
	}
	c.JSON(http.StatusOK, gin.H{"connections": ids})
}

// newConnection is the body of POST /connections.
type newConnection struct {
	ConnectionID string  `json:"connectionId"`
	StartDate    string  `json:"startDate"`
	Host         *string `json:"host"`
	Settings     texts   `json:"settings"`
}

// POST /connections
func (a *api) createConnection(c *gin.Context) {
	var body newConnection
	if err := decode(c.Request, &body); err != nil {
		fail(c, err, "")
		return
	}
	wanted, err := a.check(body)
	if err != nil {
		fail(c, err, "")
		return
	}
	made, err := a.Store.CreateConnection(c.Request.Context(), wanted)
	if err = errors.Join(err, failpoint.Hit("after creation")); err != nil {
		fail(c, err, "")
		return
	}
	c.Set(connectionKey, made.ID)
	c.JSON(http.StatusOK, summaryOf(made))
}

func (a *api) check(body newConnection) (n models.NewConnection, err error) {
	if err := checkConnectionID(body.ConnectionID); err != nil {
		return n, err
	}
	start, err := parseStartDate(body.StartDate)
	if err != nil {
		return n, err
	}
	n = models.NewConnection{ExternalID: body.ConnectionID, Host: a.DefaultHost, StartDate: start, Settings: body.Settings}
	if body.Host != nil {
		n.Host = *body.Host
	}
	host, ok := a.Hosts[n.Host]
	if !ok {
		return n, models.Errorf(models.Invalid, "The host is not known here. Known: %s.", listed(slices.Sorted(maps.Keys(a.Hosts))))
	}
	return n, checkSettings(host.Info(), n.Settings)
}

func checkSettings(info hostapi.Info, settings map[string]string) error {
	var names []string
	for _, s := range info.Settings {
		names = append(names, s.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		if !slices.Contains(names, name) {
			return models.Errorf(models.Invalid, "%s has no setting %s. Known: %s.", info.Title, quote(name), listed(names))
		}
		if strings.ContainsRune(settings[name], 0) {
			return models.Errorf(models.Invalid, "The setting %s holds a zero character, which cannot be kept. Leave it out.", name)
		}
	}
	return nil
}

func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// find is the connection that the address names.
func (a *api) find(c *gin.Context) (*models.Connection, error) {
	found, err := a.Store.FindConnection(c.Request.Context(), c.Param("id"))
	if err == nil {
		c.Set(connectionKey, found.ID)
	}
	return found, err
}

// HEAD /connections/{id}
func (a *api) headConnection(c *gin.Context) {
	if _, err := a.find(c); err != nil {
		fail(c, err, "")
		return
	}
	c.Status(http.StatusOK)
}

// GET /connections/{id}
func (a *api) showConnection(c *gin.Context) {
	shown, err := a.Store.ShowConnection(c.Request.Context(), c.Param("id"))
	if err != nil {
		fail(c, err, "")
		return
	}
	c.Set(connectionKey, shown.ID)
	now, err := a.present(c.Request.Context())
	if err != nil {
		fail(c, err, "")
		return
	}
	respondJSON(c, a.detailOf(shown, now))
}

func (a *api) detailOf(s *models.Shown, now *present) *detail {
	d := &detail{
		Enabled: s.Enabled, Authorized: s.Authorized, HostSystemIdentifier: s.HostLabel,
		StartDate: optionalDate(s.StartDate), StatusChangedAt: timestamp(s.StatusChangedAt),
		LastSyncAt: optionalTimestamp(s.LastSyncAt), NextSyncAt: optionalTimestamp(s.NextSyncAt),
		StatusMessage: s.StatusMessage,
	}
	if !now.works() && s.Active {
		d.NextSyncAt = nil
	}
	if sentence := now.sentence(s, a.Store.Title(s.Host)); sentence != "" {
		d.StatusMessage = sentence
	}
	return d
}

// changedConnection is the body of PUT /connections/{id}.
type changedConnection struct {
	Enabled      *bool   `json:"enabled"`
	ConnectionID *string `json:"connectionId"`
	StartDate    maybe   `json:"startDate"`
}

// PUT /connections/{id}
func (a *api) changeConnection(c *gin.Context) {
	found, err := a.find(c)
	if err != nil {
		fail(c, err, "")
		return
	}
	change, err := readChange(c.Request)
	if err != nil {
		fail(c, err, "")
		return
	}
	if err := failpoint.Hit("before change"); err != nil {
		fail(c, err, "")
		return
	}
	changed, err := a.Store.ChangeConnection(c.Request.Context(), *found.ExternalID, change)
	if err = errors.Join(err, failpoint.Hit("after change")); err != nil {
		fail(c, err, "")
		return
	}
	c.JSON(http.StatusOK, summaryOf(changed))
}

func readChange(r *http.Request) (ch models.Change, err error) {
	var body changedConnection
	if err := decode(r, &body); err != nil {
		return ch, err
	}
	if body.ConnectionID != nil {
		if err := checkConnectionID(*body.ConnectionID); err != nil {
			return ch, err
		}
	}
	ch = models.Change{Enabled: body.Enabled, ExternalID: body.ConnectionID}
	if body.StartDate.text != nil {
		start, err := parseStartDate(*body.StartDate.text)
		if err != nil {
			return ch, err
		}
		ch.StartDate = &start
	}
	return ch, nil
}

// DELETE /connections/{id}
func (a *api) deleteConnection(c *gin.Context) {
	found, err := a.find(c)
	if err != nil {
		fail(c, err, "")
		return
	}
	_, revocable := a.Hosts[found.Host].(hostapi.Revoker)
	err = failpoint.Hit("before deletion")
	if err == nil {
		err = errors.Join(a.Store.DeleteConnection(c.Request.Context(), *found.ExternalID, revocable), failpoint.Hit("after deletion"))
	}
	if err != nil {
		fail(c, err, "")
		return
	}
	c.JSON(http.StatusOK, gin.H{"success": true})
}
