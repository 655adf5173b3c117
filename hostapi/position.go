package hostapi

import (
	"encoding/json"

	"extractor/models"
)

// ReadCursor reads a cursor that CursorOf wrote into to, which stays as it is
// for the first page. title is the host's name in the sentence.
func ReadCursor(c Cursor, title string, to any) error {
	if c == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(c), to); err != nil {
		return LostPlace(title, err)
	}
	return nil
}

// LostPlace is the error of a cursor that does not say where a list goes on.
func LostPlace(title string, cause error) error {
	return models.Errorf(models.Internal, "A place in the lists of %s was lost.", title).Because(cause)
}

// CursorOf writes a place in a host's lists, which is a struct, as a cursor.
func CursorOf(place any) Cursor {
	b, err := json.Marshal(place)
	if err != nil { // only for a year beyond 9999, which no list reaches
		return ""
	}
	return Cursor(b)
}
