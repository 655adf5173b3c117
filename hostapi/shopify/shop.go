package shopify

import (
	"regexp"
	"strings"

	"extractor/hostapi"
	"extractor/models"
)

// domain is what the account of a shop looks like. Requests, with a token or a
// secret, go to such an address only: nobody else can be under myshopify.com.
// Letters are spelled out, because ignoring case would let look-alikes in.
var domain = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,99}\.myshopify\.com$`)

// The ways in which people write the name of their shop.
var typedForms = []*regexp.Regexp{
	regexp.MustCompile(`^([a-zA-Z0-9][a-zA-Z0-9_-]{0,99})$`),
	regexp.MustCompile(`^(?:https?://)?([a-zA-Z0-9][a-zA-Z0-9_-]{0,99})\.myshopify\.com(?:/[!-~]*)?$`),
	regexp.MustCompile(`^(?:https?://)?admin\.shopify\.com/store/([a-zA-Z0-9][a-zA-Z0-9_-]{0,99})(?:[/?#][!-~]*)?$`),
}

// Question asks for the shop, whose address is part of Shopify's consent page.
func (h *host) Question() hostapi.Question {
	return hostapi.Question{
		Label:   "Your shop at Shopify",
		Help:    "The name before .myshopify.com. It is in Shopify under Settings, Domains.",
		Example: "my-shop.myshopify.com",
	}
}

// Account makes my-shop.myshopify.com of a name, of that address, or of the
// address of the shop's admin pages.
func (h *host) Account(typed string) (string, error) {
	typed = strings.TrimSpace(typed)
	for _, form := range typedForms {
		if m := form.FindStringSubmatch(typed); m != nil {
			return strings.ToLower(m[1]) + ".myshopify.com", nil
		}
	}
	return "", models.Errorf(models.Invalid, "This is not the name of a Shopify shop. Write it like my-shop.myshopify.com; it is in Shopify under Settings, Domains.")
}

// address is where requests for a shop go; empty for what is no shop.
func (h *host) address(shop string) string {
	switch {
	case !domain.MatchString(shop):
		return ""
	case h.base != "":
		return h.base
	}
	return "https://" + shop
}
