package handlers

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
)

// FuzzConnectionID: what is taken as a connectionId names one connection in an
// address, whichever way the caller escapes it.
func FuzzConnectionID(f *testing.F) {
	for _, s := range []string{"a", "_", "company-1", "A.b_c~d:e@f+g=h-i", "..", "a/b", "a%2fb", "a\x00", "-a", "ä", "a b", strings.Repeat("a", 200), strings.Repeat("a", 201)} {
		f.Add(s)
	}
	gin.SetMode(gin.ReleaseMode)
	router, named := gin.New(), ""
	router.GET("/connections/:id", func(c *gin.Context) { named = c.Param("id") })
	f.Fuzz(func(t *testing.T, id string) {
		if checkConnectionID(id) != nil {
			return
		}
		for _, address := range []string{"/connections/" + id, "/connections/" + url.PathEscape(id)} {
			named = ""
			router.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, address, nil))
			if named != id {
				t.Errorf("%q is reached by %s as %q", id, address, named)
			}
		}
	})
}
