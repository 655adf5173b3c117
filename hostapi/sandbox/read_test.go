package sandbox

import "testing"

const wholeOrder = `{"number":"7","zone":"UTC","status":"paid","test":true,"createdAt":"c","paidAt":"p","currency":"USD",
	"totals":{"total":"12.30","tip":1,"giftCards":"0.50","other":[]},"lines":[{"kind":"giftCard","amount":"1.00","tax":"0.10"},null,{"kind":"goods"}],
	"shipping":{"amount":"2.00","tax":"0.20"},"shippingAddress":{"line1":"1 \"Main\" St","city":"Albany","state":"NY","zip":"12207","country":"US"},
	"pickupLocation":{},"refunds":[{"id":"r","amount":"3.00"}],"unknown":{"number":"8"}}`

func TestReadOrder(t *testing.T) {
	t.Parallel()
	var o order
	if err := o.read([]byte(wholeOrder)); err != nil {
		t.Fatal(err)
	}
	if o.Number != "7" || o.Zone != "UTC" || o.Status != "paid" || !o.Test || o.CreatedAt != "c" || *o.PaidAt != "p" || o.Currency != "USD" {
		t.Errorf("%+v", o)
	}
	if *o.Totals != (totals{Total: 1230, Tip: 100, GiftCards: 50}) || *o.Shipping != (split{Amount: 200, Tax: 20}) {
		t.Errorf("totals %+v, shipping %+v", o.Totals, o.Shipping)
	}
	if len(o.Lines) != 3 || o.Lines[0] != (line{GiftCard: true, Amount: 100, Tax: 10}) || o.Lines[2].GiftCard {
		t.Errorf("lines %+v", o.Lines)
	}
	if a := o.ShippingAddress; a.Line1 != `1 "Main" St` || a.City != "Albany" || a.State != "NY" || a.Zip != "12207" || a.Country != "US" {
		t.Errorf("address %+v", a)
	}
	if o.PickupLocation == nil || o.BillingAddress != nil || len(o.Refunds) != 1 || o.Refunds[0].Amount != 300 {
		t.Errorf("pickup %v, billing %v, refunds %+v", o.PickupLocation, o.BillingAddress, o.Refunds)
	}
}

// TestReadOrderEnds: an order that is cut anywhere is not an order.
func TestReadOrderEnds(t *testing.T) {
	t.Parallel()
	for n := range len(wholeOrder) {
		if new(order).read([]byte(wholeOrder[:n])) == nil {
			t.Errorf("an order of %d bytes was read: %s", n, wholeOrder[:n])
		}
	}
}

func TestReadOrderOdd(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`[]`, `null`, `7`, `{"number":7}`, `{"test":"yes"}`, `{"totals":[]}`, `{"totals":{"total":{}}}`, `{"totals":{"total":"a lot"}}`,
		`{"lines":{}}`, `{"lines":[7]}`, `{"lines":[{"amount":[]}]}`, `{"shipping":"free"}`, `{"shippingAddress":"Albany"}`, `{"billingAddress":{"zip":12207}}`,
		`{"refunds":{}}`, `{} x`, `{"number":"1",}`,
	} {
		if new(order).read([]byte(text)) == nil {
			t.Errorf("%s was read", text)
		}
	}
	const nothing = `{"number":null,"zone":null,"status":null,"test":null,"createdAt":null,"paidAt":null,"currency":null,"totals":null,"lines":null,
		"shipping":null,"shippingAddress":{"zip":null},"pickupLocation":null,"billingAddress":null,"refunds":null}`
	var o order
	if err := o.read([]byte(nothing)); err != nil || o.Totals != nil || o.Lines != nil || o.PaidAt != nil {
		t.Errorf("%s: %+v, %v", nothing, o, err)
	}
}
