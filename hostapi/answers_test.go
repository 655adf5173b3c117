package hostapi_test

import (
	"errors"
	"net/http"
	"testing"

	"extractor/hostapi"
	"extractor/internal/rest"
	"extractor/models"
)

func TestAboutOurs(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]models.Kind{
		200: "", 400: models.Internal, 401: models.Unauthorised, 404: models.NotFound, 413: models.Internal, 422: models.Internal, 429: models.Throttled, 500: models.Unsure,
	} {
		err := rest.Caller{Title: "Square"}.Check(&rest.Answer{Status: status, Header: http.Header{}})
		err = hostapi.AboutOurs(err, "Square", errors.New("status"))
		if (err == nil) != (want == "") || err != nil && models.KindOf(err) != want {
			t.Errorf("%d: %v", status, err)
		}
	}
}
