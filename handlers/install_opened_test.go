package handlers

import (
	"net/http"
	"net/url"
	"testing"

	"extractor/hostapi"
	"extractor/models"
)

var _ hostapi.Opener = marketShop{}

func (marketShop) Opened(query url.Values) (string, error) {
	if query.Get("signature") != "good" {
		return "", models.Errorf(models.Unauthorised, "This page was not opened from within Market.")
	}
	return query.Get("shop"), nil
}

// TestAppOpenedInsideTheHost: who is signed for sees how the account stands,
// and the account is looked at; anybody else sees nothing.
func TestAppOpenedInsideTheHost(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	b := d.browser()
	b.get("/install/market/opened?shop=acc-7&signature=good").wants(t, http.StatusOK, "not connected to TrustFile")
	c := d.connectionAt("market", "company-1")
	if err := d.store.DB(t.Context()).Exec(`UPDATE connections SET host_account = 'acc-7' WHERE id = ?`, c.ID).Error; err != nil {
		t.Fatal(err)
	}
	b.get("/install/market/opened?shop=acc-7&signature=good").wants(t, http.StatusOK, c.StatusMessage)
	d.is(1, `SELECT count(*) FROM wakes WHERE host = 'market' AND account = 'acc-7'`)
	b.get("/install/market/opened?shop=acc-8&signature=bad").wants(t, http.StatusForbidden, "not opened from within Market")
	b.get("/install/shop/opened?shop=acc-8&signature=good").wants(t, http.StatusNotFound, "not shown inside that host")
	d.is(0, `SELECT count(*) FROM wakes WHERE account = 'acc-8'`)
}
