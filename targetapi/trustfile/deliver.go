package trustfile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"extractor/internal/rest"
	"extractor/models"
	"extractor/targetapi"
)

// Deliver posts the items in one request: POST /connections/{id}/items.
func (t *target) Deliver(ctx context.Context, a targetapi.Account, items []models.Item) (targetapi.Receipt, error) {
	if len(items) == 0 {
		return targetapi.Receipt{Taken: true}, nil
	}
	if len(items) > maxBatch {
		return targetapi.Receipt{}, models.Errorf(models.TooLarge, "%s takes %d items at a time.", title, maxBatch)
	}
	if foreign := strangers(items); len(foreign) > 0 {
		return targetapi.Receipt{Refused: foreign}, nil
	}
	address, err := t.connection(a, "items")
	if err != nil {
		return targetapi.Receipt{}, err
	}
	answer, err := t.items.Send(ctx, http.MethodPost, address, t.bearer, t.encoder.batch(items))
	if err != nil {
		return targetapi.Receipt{}, err
	}
	return t.receipt(answer, items)
}

// strangers are the items that are neither a sale nor a refund.
func strangers(items []models.Item) map[models.Ref]string {
	var found map[models.Ref]string
	for i := range items {
		kind := items[i].Kind
		if items[i].Sale != nil && (kind == models.KindSale || kind == models.KindRefund) {
			continue
		}
		if found == nil {
			found = map[models.Ref]string{}
		}
		found[items[i].Ref()] = title + " takes sales and refunds only."
	}
	return found
}

// receipt says what the answer to a POST means.
func (t *target) receipt(a *rest.Answer, items []models.Item) (targetapi.Receipt, error) {
	switch {
	case a.Status >= 200 && a.Status < 300:
		return accepted(a.Body, len(items))
	case a.Status == http.StatusBadRequest || a.Status == http.StatusUnprocessableEntity:
		return refused(a.Body, items)
	}
	err := t.items.Check(a)
	if models.KindOf(err) != models.Refused {
		return targetapi.Receipt{}, err
	}
	// 405, 415 and their like speak of the request as such, not of an item: to
	// look for a culprit would set aside every item there is.
	return targetapi.Receipt{}, models.Errorf(models.Unavailable,
		"%s turned our request away (status %d). Check the address we were given for it; we try again by ourselves.", title, a.Status).Because(err)
}

// outcome is the body of an answer to a POST.
type outcome struct {
	Processed *float64        `json:"processed"`
	Success   json.RawMessage `json:"success"`
	Errors    json.RawMessage `json:"errors"`
}

// accepted reads a 2xx answer. Only one that says that all were processed, and
// nothing to the contrary, counts as taken.
func accepted(body []byte, sent int) (targetapi.Receipt, error) {
	var o outcome
	if err := json.Unmarshal(body, &o); err != nil || o.Processed == nil {
		return targetapi.Receipt{}, models.Errorf(models.Unsure, "%s did not say how many items it took. We look what it has.", title).
			Because(errors.New("a 2xx answer without processed"))
	}
	if *o.Processed != float64(sent) || denied(o.Success) || !nothing(o.Errors) {
		return targetapi.Receipt{ReadBack: true}, models.Errorf(models.Unsure, "%s says that it took %.0f of %d items. We look what it has.", title, *o.Processed, sent).
			Because(fmt.Errorf("processed %v of %d, success %t, errors %t", *o.Processed, sent, !denied(o.Success), !nothing(o.Errors)))
	}
	return targetapi.Receipt{Taken: true}, nil
}

// denied reports whether success is there and false, as a boolean or a word.
func denied(success json.RawMessage) bool {
	return string(success) == "false" || string(success) == `"false"`
}

// nothing reports whether a property is absent or empty.
func nothing(raw json.RawMessage) bool {
	switch string(raw) {
	case "", "null", "[]", "{}", `""`:
		return true
	}
	return false
}
