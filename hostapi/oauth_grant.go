package hostapi

import (
	"context"
	"net/http"

	"extractor/models"
)

// GrantURL is where the merchant lets the host send us keys. g.Account is the
// account where c has none yet.
func GrantURL(host Granter, c *models.Connection, g Grant) string {
	g.Account = Consent{Account: g.Account}.account(c).HostID
	return host.GrantURL(g)
}

// Prove asks a host that hands out keys whose account they open, which proves
// them. account is that of the grant where c has none yet.
func Prove(ctx context.Context, host Host, c *models.Connection, account string, keys models.Token, base http.RoundTripper) (Identity, error) {
	a := Consent{Account: account}.account(c)
	who, err := host.(Granter).Identify(ctx, NewBearerClient(host, keys.Access, base), a)
	return who, named(who, err, host.Info().Title)
}
