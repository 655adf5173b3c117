package bigcommerce

import (
	"testing"

	"extractor/hostapi"
	"extractor/hostapi/hostapitest"
	"extractor/models"
)

// open makes the adapter speak to address.
func open(t testing.TB, address string) hostapi.Host {
	t.Helper()
	c := Config{ClientID: "app", ClientSecret: "hush", LoginURL: address, BaseURL: address}
	h, err := c.Open()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestGolden(t *testing.T) {
	t.Parallel()
	hostapitest.Golden(t, open(t, "http://127.0.0.1"), "testdata", models.Policy{})
}
