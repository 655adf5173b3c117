package square

import (
	"testing"

	"extractor/hostapi"
	"extractor/hostapi/hostapitest"
	"extractor/models"
)

func open(t testing.TB, base string) hostapi.Host {
	t.Helper()
	h, err := (&Config{ClientID: "app", ClientSecret: "app-secret", BaseURL: base,
		WebhookKey: "old-key, new-key", WebhookURL: "https://extractor.example.com/webhooks/square"}).Open()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestTransformGolden(t *testing.T) {
	hostapitest.Golden(t, open(t, "http://127.0.0.1"), "testdata", models.Policy{})
}
