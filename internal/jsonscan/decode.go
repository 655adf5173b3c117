package jsonscan

import (
	std "encoding/json"

	json "github.com/goccy/go-json"
)

// largeText is above the usual page of any host.
const largeText = 4 << 20

// Unmarshal reads a text into v. The fast library copies each text into memory
// that it keeps for the next one, which many large ones would fill; they are read
// by the slow one, which copies nothing.
func Unmarshal(text []byte, v any) error {
	if len(text) > largeText {
		return std.Unmarshal(text, v)
	}
	return json.Unmarshal(text, v)
}
