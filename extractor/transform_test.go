package extractor

import (
	"bytes"
	"crypto/sha256"
	"strings"
	"testing"

	"extractor/hostapi"
	"extractor/models"
)

// TestHashIsOfMappingReasonAndContent: another way to the same bytes would send
// every merchant's sales once more.
func TestHashIsOfMappingReasonAndContent(t *testing.T) {
	t.Parallel()
	arena := make([]byte, 0, 64) // too small, so that it grows between items
	var all []content
	sale := func(i int) *models.Sale { return &models.Sale{SalesAmount: models.Amount(i), Currency: "USD"} }
	for i := range 9 {
		all = append(all, canonical(models.Item{Skip: "test order"[:i], Sale: sale(i)}, 7, &arena))
	}
	for i, c := range all {
		payload := sale(i).AppendJSON(nil)
		want := sha256.Sum256(append([]byte("\x00\x00\x00\x00\x00\x00\x00\x07"+"test order"[:i]+"\x00"), payload...))
		if !bytes.Equal(c.payload, payload) || !bytes.Equal(c.hash, want[:]) {
			t.Errorf("item %d: %x of %s", i, c.hash, c.payload)
		}
	}
	bare := canonical(models.Item{Skip: "gone"}, 7, &arena)
	if want := sha256.Sum256([]byte("\x00\x00\x00\x00\x00\x00\x00\x07gone\x00")); bare.payload != nil || !bytes.Equal(bare.hash, want[:]) {
		t.Errorf("without a sale: %x of %s", bare.hash, bare.payload)
	}
}

func TestOnlyRefusedRecordsKeepTheirBodies(t *testing.T) {
	t.Parallel()
	page := []byte(`{"understood"}{"refused"}`)
	readings := []reading{
		{record: hostapi.Record{Body: page[:14]}},
		{record: hostapi.Record{Body: page[14:]}, refusal: models.Errorf(models.Refused, "No.")},
	}
	letGo(readings)
	clear(page) // what is kept is not the page's memory
	expect(t, "body of what was refused", string(readings[1].record.Body), `{"refused"}`)
	expect(t, "body of what was understood", string(readings[0].record.Body), "")
}

// TestLargeRecordsAreRefused: before anybody unpacks them. Of two bytes in a list
// become dozens.
func TestLargeRecordsAreRefused(t *testing.T) {
	t.Parallel()
	body := make([]byte, mostRecord+1)
	fits := hostapi.Record{Kind: "order", Key: "1", Version: "1", Body: body[:mostRecord]}
	if refusal := takeable(&fits); refusal != nil || len(fits.Body) != mostRecord {
		t.Errorf("%v, %d bytes", refusal, len(fits.Body))
	}
	large := hostapi.Record{Kind: "order", Key: "1", Version: "1", Body: body}
	if refusal := takeable(&large); refusal == nil || refusal.Kind != models.Refused || large.Body != nil {
		t.Errorf("%v, %d bytes", refusal, len(large.Body))
	}
	if kept, err := pack(large.Body); kept != nil || err != nil {
		t.Errorf("%d bytes are kept, so that nobody asks the host for it again: %v", len(kept), err)
	}
}

// TestLongNamesAreRefused: under a name that the ledger's indexes take.
func TestLongNamesAreRefused(t *testing.T) {
	t.Parallel()
	long := hostapi.Record{Kind: "order", Key: strings.Repeat("1", mostName+1), Version: "1"}
	if refusal := takeable(&long); refusal == nil || long.Key != strings.Repeat("1", mostName) {
		t.Errorf("%v, %d bytes", refusal, len(long.Key))
	}
	if refusal := takeable(&long); refusal != nil {
		t.Error(refusal)
	}
}
