package quickbooks

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"time"

	"extractor/hostapi"
)

// complete makes records of a page. Under cash basis a settled invoice or credit
// memo needs the day on which that happened, which only its payments tell.
func (h *host) complete(ctx context.Context, s session, e entity, things []listed) ([]hostapi.Record, error) {
	records := make([]hostapi.Record, len(things))
	for i := range things {
		records[i] = things[i].record
	}
	if !h.cash || !e.credit {
		return records, nil
	}
	payments := make([][]string, len(records))
	var all []string
	for i := range records {
		payments[i] = paymentsOf(records[i].Body)
		all = append(all, payments[i]...)
	}
	days, err := s.paymentDays(ctx, all)
	if err != nil {
		return nil, err
	}
	for i := range records {
		records[i].Body = withPaidOn(records[i].Body, lastDay(payments[i], days))
	}
	return records, nil
}

// paymentsOf are the ids of the payments of a document that is settled; what
// cannot be read is Transform's to refuse.
func paymentsOf(body []byte) (ids []string) {
	var d struct {
		Balance   *exact `json:"Balance"`
		LinkedTxn []struct {
			ID   string `json:"TxnId"`
			Type string `json:"TxnType"`
		} `json:"LinkedTxn"`
	}
	if json.Unmarshal(body, &d) != nil || d.Balance == nil || *d.Balance != 0 {
		return nil
	}
	for _, linked := range d.LinkedTxn {
		if linked.Type == "Payment" && realmID.MatchString(linked.ID) {
			ids = append(ids, linked.ID)
		}
	}
	return ids
}

// paymentDays are the dates of payments by id; what QuickBooks does not know is absent.
// https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/payment
func (s session) paymentDays(ctx context.Context, ids []string) (map[string]string, error) {
	days := map[string]string{}
	for chunk := range slices.Chunk(slices.Compact(slices.Sorted(slices.Values(ids))), fetchSize) {
		var answer struct {
			QueryResponse *struct {
				Payment []struct {
					ID      string `json:"Id"`
					TxnDate string `json:"TxnDate"`
				} `json:"Payment"`
			} `json:"QueryResponse"`
		}
		statement := "SELECT * FROM Payment WHERE " + string(among(chunk)) + " MAXRESULTS 1000"
		if err := s.read(ctx, "query", url.Values{"query": {statement}}, &answer); err != nil {
			return nil, err
		}
		if answer.QueryResponse == nil {
			return nil, hostapi.Unreadable(title, errDecode)
		}
		for _, p := range answer.QueryResponse.Payment {
			days[p.ID] = p.TxnDate
		}
	}
	return days, nil
}

// lastDay is the day of the last of these payments; empty when none is known.
func lastDay(ids []string, days map[string]string) (last string) {
	for _, id := range ids {
		if day := days[id]; day > last {
			if _, err := time.Parse(time.DateOnly, day); err == nil {
				last = day
			}
		}
	}
	return last
}

// withPaidOn is a document with that day put in front, under a name that no
// property of QuickBooks' has.
func withPaidOn(body json.RawMessage, day string) json.RawMessage {
	rest, ok := bytes.CutPrefix(body, []byte("{"))
	if !ok || day == "" {
		return body
	}
	head := `{"paidOn":"` + day + `"`
	if !bytes.HasPrefix(bytes.TrimSpace(rest), []byte("}")) {
		head += ","
	}
	return append([]byte(head), rest...)
}
