package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5/pgconn"

	"extractor/models"
)

// message is the body of every error.
type message struct {
	Message string `json:"message"`
}

// fail answers err. A failure of ours shows the route's own sentence ours, or
// a plain apology with the id to quote; its cause goes to the log.
func fail(c *gin.Context, err error, ours string) {
	_ = c.Error(err)
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		c.Header("Retry-After", "5")
		c.AbortWithStatusJSON(http.StatusServiceUnavailable, message{"This took too long, so we stopped. Please try again in some seconds."})
	case statusOf(err) < http.StatusInternalServerError:
		c.AbortWithStatusJSON(statusOf(err), message{models.Sentence(err, apology(c))})
	case models.KindOf(err) == models.Conflict:
		c.AbortWithStatusJSON(http.StatusInternalServerError, message{models.Sentence(err, apology(c))})
	case ours != "":
		c.AbortWithStatusJSON(http.StatusInternalServerError, message{ours})
	default:
		c.AbortWithStatusJSON(http.StatusInternalServerError, message{apology(c)})
	}
}

// statusOf is the status of a kind of error. The contract answers a conflict
// with 500, not with 409.
func statusOf(err error) int {
	switch models.KindOf(err) {
	case models.Invalid:
		return http.StatusBadRequest
	case models.NotFound:
		return http.StatusNotFound
	}
	return http.StatusInternalServerError
}

func apology(c *gin.Context) string {
	return fmt.Sprintf("Something went wrong on our side. Please try again; if it lasts, quote %s to support.", idOf(c))
}

func notFound(c *gin.Context) {
	c.JSON(http.StatusNotFound, message{"There is nothing at this address. The addresses of this service are listed at /docs."})
}

func methodNotAllowed(c *gin.Context) {
	c.JSON(http.StatusMethodNotAllowed, message{fmt.Sprintf("%s is not possible at this address. Possible: %s.",
		method(c), c.Writer.Header().Get("Allow"))})
}

// quoted is a piece of somebody's own text, as quote writes it.
var quoted = regexp.MustCompile(`"(\\.|[^"\\])*"`)

// loggable is the text of an error for the log. Postgres repeats values in its
// texts, so only its code and the name of the constraint are kept; and what we
// repeat of the caller's text is for the caller.
func loggable(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return fmt.Sprintf("postgres %s %s", pg.Code, pg.ConstraintName)
	}
	if models.KindOf(err) == models.Invalid {
		return quoted.ReplaceAllString(err.Error(), `"…"`)
	}
	return err.Error()
}
