package handlers

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the pages
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
)

//go:embed pages/page.html
var pageHTML string

//go:embed pages/page.css
var pageCSS string

// formLimit is far above what our forms and a host's keys are, in bytes. Anybody
// may post them, and a form of many short fields grows to many times its size.
const formLimit = 16 << 10

var pageTemplate = template.Must(template.New("page").Parse(pageHTML))

// page is what a page of the popup shows. It needs no JavaScript.
type page struct {
	Title   string
	Text    []string
	Form    *pageForm
	Link    *pageLink
	Small   string
	Refresh string // of the meta element: "2", or "3;url=…"
	Style   template.CSS
}

// pageForm is a button that posts the attempt, and one field if need be.
type pageForm struct {
	Action, Attempt, Label string
	Field                  *pageField
}

// pageField is a text that the merchant types in.
type pageField struct {
	Label, Help, Example string
	Value                string // what is in it
	Problem              string // what is wrong with that; empty: nothing
	Limit                int    // in bytes
}

// pageLink is a link that looks like a button.
type pageLink struct {
	Address, Label string
	NewWindow      bool
}

// contentPolicy lets a page show itself, inside a frame only of the configured
// origins. It has no form-action: browsers would apply that to the host's own
// redirects after our form, which we cannot know.
func contentPolicy(origins []string) string {
	sum := sha256.Sum256([]byte(pageCSS))
	ancestors := "'none'"
	if len(origins) > 0 {
		ancestors = strings.Join(origins, " ")
	}
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; frame-ancestors " + ancestors
}

// guard sets the headers that all answers to a browser have.
func (p *Popup) guard(c *gin.Context) {
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, formLimit)
	h := c.Writer.Header()
	h.Set("Content-Security-Policy", p.policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Robots-Tag", "noindex")
}

// show answers with a page.
func (p *Popup) show(c *gin.Context, status int, v page) {
	v.Style = template.CSS(pageCSS) // #nosec G203 -- our own file
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, v); err != nil {
		_ = c.Error(err)
		c.AbortWithStatus(http.StatusInternalServerError)
		return
	}
	c.Abort()
	c.Data(status, "text/html; charset=utf-8", b.Bytes())
}

// wantsPage tells a browser from a program.
func wantsPage(c *gin.Context) bool { return strings.Contains(c.GetHeader("Accept"), "text/html") }

// answer shows a page to a browser, and a program the same sentence as JSON.
func (p *Popup) answer(c *gin.Context, status int, v page) {
	if !wantsPage(c) {
		c.AbortWithStatusJSON(status, gin.H{"message": strings.Join(v.Text, " ")})
		return
	}
	p.show(c, status, v)
}

// framed reports whether the browser asks for the page inside a frame, where
// our cookie would not be kept and hosts refuse to be shown.
func framed(r *http.Request) bool {
	dest := r.Header.Get("Sec-Fetch-Dest")
	return dest == "iframe" || dest == "frame"
}

// offerWindow shows, inside a frame, a way to go on in a window of its own.
func (p *Popup) offerWindow(c *gin.Context) {
	p.show(c, http.StatusOK, page{
		Title: "Continue in a new window",
		Text:  []string{"For your safety, signing in takes place in a window of its own."},
		Link:  &pageLink{Address: c.Request.URL.RequestURI(), Label: "Open the window", NewWindow: true},
	})
}
