package handlers

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/gin-gonic/gin"

	"extractor/models"
)

// cookieLife is longer than an attempt, so that one which took too long can be
// begun again from our page.
const cookieLife = 3600 // seconds

// cookieValue is what RandomToken makes.
var cookieValue = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// cookie recognises the browser that began an attempt. All its tabs share one.
type cookie struct {
	name   string
	secure bool
}

// newCookie makes the browser keep the cookie to our origin alone (__Host-),
// which it does over https only. A service that people reach by plain http, on
// their own machine, has one without that protection.
func newCookie(publicURL string) cookie {
	if strings.HasPrefix(strings.ToLower(publicURL), "https://") {
		return cookie{name: "__Host-attempt", secure: true}
	}
	return cookie{name: "attempt"}
}

// of is the browser's cookie; empty if it has none.
func (k cookie) of(r *http.Request) string {
	v, err := r.Cookie(k.name)
	if err != nil || !cookieValue.MatchString(v.Value) {
		return ""
	}
	return v.Value
}

// given is the browser's cookie, which it gets with the answer if it has none,
// and has anew for its whole life if it does.
func (k cookie) given(c *gin.Context) string {
	if value := c.GetString(k.name); value != "" {
		return value
	}
	value := k.of(c.Request)
	if value == "" {
		value = models.RandomToken()
	}
	c.Set(k.name, value)
	http.SetCookie(c.Writer, &http.Cookie{Name: k.name, Value: value, Path: "/", MaxAge: cookieLife,
		Secure: k.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	return value
}
