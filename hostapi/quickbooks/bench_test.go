package quickbooks

import (
	"encoding/json"
	"fmt"
	"testing"

	"extractor/hostapi/hostapitest"

	"extractor/models"
)

// fullDoc is an invoice with what QuickBooks sends of one, some five kilobytes.
func fullDoc(id string, second int) map[string]any {
	doc := fakeDoc(id, second)
	var lines []any
	for n := range 8 {
		lines = append(lines, map[string]any{
			"Id": fmt.Sprint(n + 1), "LineNum": n + 1, "Description": "Fountain pump, with installation and first filling", "Amount": 12.75,
			"DetailType": "SalesItemLineDetail",
			"SalesItemLineDetail": map[string]any{
				"ItemRef": map[string]any{"value": "11", "name": "Pump"}, "UnitPrice": 12.75, "Qty": 1,
				"ItemAccountRef":       map[string]any{"value": "79", "name": "Sales of Product Income"},
				"TaxCodeRef":           map[string]any{"value": "TAX"},
				"TaxClassificationRef": map[string]any{"value": "EUC-99990201-V1-00020000"},
			},
			"CustomExtensions": []any{},
		})
	}
	lines = append(lines,
		map[string]any{"Amount": 102, "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": map[string]any{}},
		map[string]any{"Amount": 10.2, "DetailType": "DiscountLineDetail", "DiscountLineDetail": map[string]any{"PercentBased": true, "DiscountPercent": 10,
			"DiscountAccountRef": map[string]any{"value": "86", "name": "Discounts given"}}})
	for key, value := range map[string]any{
		"Line": lines, "TotalAmt": 99.14, "Balance": 99.14, "PrintStatus": "NeedToPrint", "EmailStatus": "NotSet", "DueDate": "2026-04-01",
		"AllowIPNPayment": false, "AllowOnlinePayment": false, "AllowOnlineCreditCardPayment": false, "AllowOnlineACHPayment": false,
		"CustomField": []any{map[string]any{"DefinitionId": "1", "Name": "Crew #", "Type": "StringType", "StringValue": "102"}},
		"TxnTaxDetail": map[string]any{"TxnTaxCodeRef": map[string]any{"value": "2"}, "TotalTax": 7.34, "TaxLine": []any{
			map[string]any{"Amount": 7.34, "DetailType": "TaxLineDetail", "TaxLineDetail": map[string]any{"TaxRateRef": map[string]any{"value": "3"},
				"PercentBased": true, "TaxPercent": 8, "NetAmountTaxable": 91.8}}}},
		"CustomerRef":  map[string]any{"value": "24", "name": "A customer"},
		"CustomerMemo": map[string]any{"value": "Thank you for your business and have a great day!"},
		"BillAddr":     map[string]any{"Id": "86", "Line1": "A customer", "Line2": "100 Main St", "Line3": "Middlefield, CA  94303", "Lat": "37.4238562", "Long": "-122.1141681"},
		"ShipFromAddr": map[string]any{"Id": "121", "Line1": "200 Main St", "City": "Middlefield", "CountrySubDivisionCode": "CA", "PostalCode": "94303"},
		"SalesTermRef": map[string]any{"value": "3", "name": "Net 30"}, "BillEmail": map[string]any{"Address": "books@example.com"},
		"LinkedTxn": []any{},
	} {
		doc[key] = value
	}
	return doc
}

// onePage is a page of such invoices as QuickBooks sends it.
func onePage(t testing.TB) []byte {
	t.Helper()
	var docs []any
	for n := range pageSize {
		docs = append(docs, fullDoc(fmt.Sprint(n+1), n))
	}
	page, err := json.Marshal(map[string]any{"QueryResponse": map[string]any{"Invoice": docs, "startPosition": 1, "maxResults": pageSize}})
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// BenchmarkSplitTransform is what the extractor's own processor does for each
// document before the ledger: 60,000 a second on one core are wanted.
func BenchmarkSplitTransform(b *testing.B) {
	page := onePage(b)
	h := open(b, "http://127.0.0.1").(*host)
	e, _ := entityOf("Invoice")
	hostapitest.Speed(b, pageSize, func() {
		l, err := splitQuery(page, e)
		if err != nil || len(l.things) != pageSize {
			b.Fatal(err)
		}
		for i := range l.things {
			items, err := h.Transform(l.things[i].record)
			if err != nil || len(items) != 1 {
				b.Fatalf("%d items, %v", len(items), err)
			}
			if err := (models.Policy{}).Apply(&items[0]); err != nil {
				b.Fatal(err)
			}
		}
	}, page)
}
