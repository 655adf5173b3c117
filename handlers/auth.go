package handlers

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
)

// bearers are the hashes of the tokens that are valid now.
type bearers [][sha256.Size]byte

// newBearers leaves out empty tokens: nothing sent must never be a match.
func newBearers(tokens []string) bearers {
	var b bearers
	for _, t := range tokens {
		if t != "" {
			b = append(b, sha256.Sum256([]byte(t)))
		}
	}
	return b
}

// valid compares hashes, so that lengths do not show, and always with all of
// them, so that neither time nor order tells which one was near.
func (b bearers) valid(token string) bool {
	given := sha256.Sum256([]byte(token))
	match := 0
	for i := range b {
		match |= subtle.ConstantTimeCompare(given[:], b[i][:])
	}
	return match == 1
}

// authorised lets only callers with a valid bearer through.
func (a *api) authorised(c *gin.Context) {
	token, ok := bearer(c.Request.Header)
	if valid := a.bearers.valid(token); !ok || !valid {
		c.Header("WWW-Authenticate", "Bearer")
		c.AbortWithStatusJSON(http.StatusUnauthorized, message{"You are not authorized"})
	}
}

// bearer is the token of the one Authorization header. The scheme's case does
// not matter (RFC 9110, 11.1).
func bearer(h http.Header) (token string, ok bool) {
	lines := h.Values("Authorization")
	if len(lines) != 1 {
		return "", false
	}
	scheme, token, found := strings.Cut(lines[0], " ")
	token = strings.Trim(token, " ")
	return token, found && token != "" && strings.EqualFold(scheme, "Bearer")
}
