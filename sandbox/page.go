package sandbox

import (
	"embed"
	"html/template"
	"net/http"
)

//go:embed data/*.html
var templates embed.FS

var views = template.Must(template.ParseFS(templates, "data/*.html"))

// show writes a page.
func show(w http.ResponseWriter, name string, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_ = views.ExecuteTemplate(w, name, data) // the browser may be gone
}

// shopView is a shop as the page shows it.
type shopView struct {
	Shop
	Stats  ShopStats
	Sum    map[string]money
	Newest []*document
}

// newest is how many orders the page shows of each shop.
const newest = 20

// page answers GET /: the shops, their orders and totals.
func (h *Host) page(w http.ResponseWriter, _ *http.Request) {
	var all []shopView
	stats := h.Stats()
	for _, s := range h.shops {
		sum, last := s.orders.summary(newest)
		all = append(all, shopView{s.Shop, stats[s.ID], sum, last})
	}
	show(w, "shops.html", all)
}

// summary is the money of all orders by status, and the orders changed last.
func (os *orders) summary(n int) (map[string]money, []*document) {
	os.mu.RLock()
	defer os.mu.RUnlock()
	sum := map[string]money{}
	for _, o := range os.byUpdated {
		d := o.own
		if d == nil {
			d = &o.made.document
		}
		sum[d.Status] += d.Totals.Total
		sum["refunded"] += d.refunded()
	}
	var last []*document
	for i := len(os.byUpdated) - 1; i >= 0 && len(last) < n; i-- {
		last = append(last, os.document(os.byUpdated[i]))
	}
	return sum, last
}

// String is the decimal, for pages.
func (m money) String() string {
	text, _ := m.MarshalText()
	return string(text)
}
