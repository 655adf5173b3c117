package handlers

import (
	"embed"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/swaggest/swgui/v5emb"
)

//go:embed openapi.yaml
var openapi []byte

//go:embed docs
var pages embed.FS

// docsPolicy lets the viewer run its own files and nothing else. It writes
// style attributes and draws its icons from data addresses.
const docsPolicy = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self' 'unsafe-inline'; " +
	"img-src 'self' data:; font-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// GET /openapi.yaml
func document(c *gin.Context) { c.Data(http.StatusOK, "application/yaml", openapi) }

// GET /docs
func toDocs(c *gin.Context) { c.Redirect(http.StatusMovedPermanently, "/docs/") }

// GET /docs/: the page and its first lines are ours, since those of the viewer
// are written into the page, which the policy forbids.
func docs() gin.HandlerFunc {
	viewer := v5emb.New("Extractor API", "/openapi.yaml", "/docs/")
	ours := map[string]struct{ file, kind string }{
		"/":         {"docs/index.html", "text/html; charset=utf-8"},
		"/start.js": {"docs/start.js", "text/javascript; charset=utf-8"},
	}
	return func(c *gin.Context) {
		c.Header("Content-Security-Policy", docsPolicy)
		page, ok := ours[c.Param("asset")]
		if !ok {
			viewer.ServeHTTP(c.Writer, c.Request)
			return
		}
		b, err := pages.ReadFile(page.file)
		if err != nil {
			fail(c, err, "")
			return
		}
		c.Data(http.StatusOK, page.kind, b)
	}
}
