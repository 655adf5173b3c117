package models

import (
	"fmt"
	"time"

	"gorm.io/gorm"
)

// What a merchant whose connection works is asked to do: nothing, unless some
// sales could not be sent as they are, which is told where it is read (see
// ShowConnection), since such sales come and go with every page.
const (
	nothingToDo  = "There is nothing to do for you."
	refusedSales = "Some of them could not be sent as they are; TrustFile lists them as bad items. Correct them at their source, or adjust your return by hand."
)

// StatusSentence tells the merchant the state of a connection and the one next
// action, from the row alone. host is the host's title. It holds no moving
// figures, so that it changes only when the state does.
func StatusSentence(c *Connection, host string) string {
	switch {
	case c.DeletedAt != nil:
		return "This connection was deleted. Nothing is sent any more; create it again to resume."
	case c.Wish == WishOff && !c.Authorized:
		return fmt.Sprintf("Synchronising is switched off. To resume, connect the %s account and switch the connection on in TrustFile.", host)
	case c.Wish == WishOff && c.StartDate == nil: // made by an install, and never on yet
		return connectedSentence(host)
	case c.Wish == WishOff:
		return "Synchronising is switched off. Switch the connection on in TrustFile to resume."
	case c.Pause == PauseUnauthorised:
		return fmt.Sprintf("%s no longer lets us in, so this connection was disabled. Reauthorise the account to resume; nothing is lost.", host)
	case c.Pause == PauseUnknownTarget:
		return "TrustFile does not know this connection, so it was disabled. We ask again by ourselves; if this lasts, contact TrustFile's support."
	case c.Pause != PauseNone:
		return "We paused this connection and try again by ourselves. There is nothing to do for you; contact support if this lasts."
	case !c.Authorized:
		return fmt.Sprintf("Waiting for access to %s. Connect the %s account to begin.", host, host)
	case c.StartDate == nil:
		return connectedSentence(host)
	case c.consentEnded():
		return ConsentEnds(host, *c.ConsentExpiresAt, true)
	}
	return workingSentence(c, host)
}

// connectedSentence is the status of a connection that lacks its start date alone.
func connectedSentence(host string) string {
	return fmt.Sprintf("%s is connected. Choose a start date in TrustFile to begin.", host)
}

// workingSentence is the status of a connection that is able to work.
func workingSentence(c *Connection, host string) string {
	from := c.StartDate.Format(time.DateOnly)
	var s string
	switch {
	case c.TroubleSince != nil:
		s = fmt.Sprintf("%s does not answer as it should. We keep trying and nothing is lost; there is nothing to do for you.", host)
	case c.LastSyncAt == nil:
		s = fmt.Sprintf("%s is connected. Sales from %s on are being read for the first time; there is nothing to do for you.", host, from)
	default:
		s = fmt.Sprintf("Sales from %s on are sent from %s to TrustFile. %s", from, host, nothingToDo)
	}
	if c.HistoryNotice != nil && beginsBefore(c, c.HistoryFrom) {
		s += " " + *c.HistoryNotice
	}
	if c.ConsentExpiresAt != nil {
		s += fmt.Sprintf(" Access ends on %s: reauthorise the account before then.", c.ConsentExpiresAt.UTC().Format(time.DateOnly))
	}
	return s
}

// beginsBefore reports whether a connection's first day, where the merchant is,
// begins before an instant. Without that it does not.
func beginsBefore(c *Connection, at *time.Time) bool {
	if at == nil || c.StartDate == nil {
		return false
	}
	zone, err := time.LoadLocation(c.Zone)
	if err != nil {
		zone = time.UTC
	}
	year, month, day := c.StartDate.Date()
	return time.Date(year, month, day, 0, 0, 0, 0, zone).Before(*at)
}

// Title is the host's name as people write it.
func (s *Store) Title(host string) string {
	if t := s.Titles[host]; t != "" {
		return t
	}
	return host
}

// restate writes a connection's status sentence anew, in the transaction of
// whatever changed its row. The time of change moves only with the sentence.
func (s *Store) restate(tx *gorm.DB, id int64) error {
	var c Connection
	if err := tx.Take(&c, id).Error; err != nil {
		return err
	}
	return tx.Exec(`UPDATE connections SET status_message = @message, status_changed_at = now()
		WHERE id = @id AND status_message <> @message`,
		map[string]any{"id": id, "message": StatusSentence(&c, s.Title(c.Host))}).Error
}
