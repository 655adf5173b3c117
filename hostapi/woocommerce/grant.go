package woocommerce

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"extractor/hostapi"
	"extractor/models"
)

// maxKeys is the longest message with keys that we read; a real one has 250 bytes.
const maxKeys = 4 << 10

// The keys as WooCommerce makes them.
var (
	consumerKey    = regexp.MustCompile(`^ck_[0-9a-f]{40}$`)
	consumerSecret = regexp.MustCompile(`^cs_[0-9a-f]{40}$`)
)

// GrantURL is the page of the merchant's own site where he approves us. It asks
// for reading only. The site decodes the two addresses once more, so they
// should not need escaping, and answers for good only to status 200.
// https://developer.woocommerce.com/docs/apis/rest-api/authentication/
func (h *host) GrantURL(g hostapi.Grant) string {
	q := url.Values{
		"app_name":     {h.config.AppName},
		"scope":        {"read"},
		"user_id":      {g.State},
		"return_url":   {g.Returned},
		"callback_url": {g.KeysURL},
	}
	return h.site(hostapi.Account{HostID: g.Account}) + "/wc-auth/v1/authorize?" + q.Encode()
}

// ReadKeys reads what the site posted. Anybody could have: the state says which
// grant it is for, and Identify whether the keys open anything.
func (h *host) ReadKeys(body []byte) (state string, token models.Token, err error) {
	var keys struct {
		UserID      string `json:"user_id"`
		Key         string `json:"consumer_key"`
		Secret      string `json:"consumer_secret"`
		Permissions string `json:"key_permissions"`
	}
	if len(body) > maxKeys || json.Unmarshal(body, &keys) != nil {
		return "", models.Token{}, invalid("The keys of the shop cannot be read.")
	}
	if keys.UserID == "" || !consumerKey.MatchString(keys.Key) || !consumerSecret.MatchString(keys.Secret) {
		return "", models.Token{}, invalid("The shop sent something else than keys.")
	}
	if keys.Permissions != "read" && keys.Permissions != "read_write" {
		return "", models.Token{}, invalid("The keys of the shop do not allow reading. Connect the shop once more.")
	}
	return keys.UserID, models.Token{Access: keys.Key + ":" + keys.Secret}, nil
}

// Present writes the keys as HTTP Basic, which is safe over TLS and the only
// way WooCommerce takes them there besides the query.
func (h *host) Present(header http.Header, access string) {
	header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(access)))
}

// Identify proves the keys by reading orders with them. The account is the
// address that the merchant typed in, never one that the site tells: any site
// could tell another's.
func (h *host) Identify(ctx context.Context, c *http.Client, a hostapi.Account) (hostapi.Identity, error) {
	s := h.session(hostapi.Account{HostID: a.HostID, Client: c})
	if _, err := s.orders(ctx, url.Values{"per_page": {"1"}}); err != nil {
		return hostapi.Identity{}, unproven(err)
	}
	store, err := s.store(ctx)
	if err != nil {
		return hostapi.Identity{}, err
	}
	about, err := s.about(ctx)
	if err != nil {
		return hostapi.Identity{}, err
	}
	return hostapi.Identity{
		Account: a.HostID,
		Label:   strings.TrimPrefix(a.HostID, "https://"),
		Zone:    about.zone(),
		Company: html.UnescapeString(about.Name),
		Address: store.plain(),
	}, nil
}

// unproven says what it means when keys that were just made are refused.
func unproven(err error) error {
	if models.KindOf(err) != models.Unauthorised {
		return err
	}
	return models.Errorf(models.Unauthorised, "The shop refuses the keys that it has just made. Its web server may drop the Authorization header: "+
		"ask its hosting company to pass it on to WordPress, then connect the shop once more.").Because(err)
}

// about is what a site says of itself to everybody.
type about struct {
	Name     string          `json:"name"`
	Timezone string          `json:"timezone_string"`
	Offset   json.RawMessage `json:"gmt_offset"` // hours, as a number or a string
}

// about reads the index of the site's API, which is open to all; a site that
// hides it is taken as it is.
// https://developer.wordpress.org/rest-api/extending-the-rest-api/routes-and-endpoints/
func (s session) about(ctx context.Context) (about about, err error) {
	answer, err := s.get(ctx, "/", url.Values{"_fields": {"name,timezone_string,gmt_offset"}})
	if hidden(err) {
		return about, nil
	}
	if err != nil {
		return about, err
	}
	return about, s.read(answer, &about)
}

// zone is the site's time zone: by name, or of an offset in whole hours, which
// is what WordPress has for those who did not choose a city.
func (a about) zone() string {
	if _, err := time.LoadLocation(a.Timezone); err == nil && a.Timezone != "" && a.Timezone != "Local" {
		return a.Timezone
	}
	hours, err := strconv.Atoi(strings.Trim(string(a.Offset), `" `))
	if err != nil || hours < -12 || hours > 14 {
		return ""
	}
	if hours == 0 {
		return "UTC"
	}
	return fmt.Sprintf("Etc/GMT%+d", -hours) // those names count westward
}
