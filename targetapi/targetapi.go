// Package targetapi is the contract of the systems data goes to. One folder
// beneath it is one target.
package targetapi

import (
	"context"

	"extractor/models"
)

// Config is a target's part of the environment.
type Config interface {
	Open() (Target, error) // checks the values; the error names the variable and what it should be
}

// Target takes items.
type Target interface {
	Info() Info
	// Deliver makes exactly one request with the items, in their order, and says
	// how it went. The same items in the same order make the same bytes.
	//
	//	nil, Receipt.Taken        all of them were taken
	//	nil, Receipt.Refused      none was taken; those named never will be, the rest may be sent again at once
	//	models.Refused            none was taken, and the target does not say which one is to blame
	//	models.TooLarge           none was taken; a smaller batch may pass
	//	models.Throttled          none was taken; later
	//	models.Unauthorised       our own token is bad, for all connections
	//	models.NotFound           the target does not know this connection
	//	models.Unavailable        certainly nothing was taken: the request never left
	//	models.Unsure             it may have been taken: time-out, 5xx, a cut answer, fewer processed than sent
	Deliver(ctx context.Context, a Account, items []models.Item) (Receipt, error)
}

// Info describes a target.
type Info struct {
	Title string // as people write it: "TrustFile"
	Batch int    // most items in one request
}

// Account is one connection as the target knows it.
type Account struct {
	ConnectionID string // the company token: never logged
}

// Receipt is the answer to one batch.
type Receipt struct {
	Taken bool
	// ReadBack, beside models.Unsure: the target answered, but for fewer items
	// than were sent. Reading them back one by one tells which it has.
	ReadBack bool
	Refused  map[models.Ref]string // why, as the target says it
}

// Looker reads items back, to verify what an unsure request did.
type Looker interface {
	// Holds reports whether the target holds exactly this item now.
	Holds(ctx context.Context, a Account, item models.Item) (bool, error)
}

// Describer tells whose books these are.
type Describer interface {
	Describe(ctx context.Context, a Account) (Company, error)
}

// Company is the owner of a connection at the target.
type Company struct {
	Name    string
	Address models.Address // the default ship-from
}

// Provisioner signs up a company from the host's side.
type Provisioner interface {
	// SignUp makes a company and returns its token. models.Conflict: the user
	// exists already. models.Unsure: the answer was lost, never ask again by machine.
	SignUp(ctx context.Context, s SignUp) (companyToken string, err error)
}

// Homer is a target with a place of its own that people go to.
type Homer interface{ Home() string }

// SignUp is what a new company is made of.
type SignUp struct {
	Email, Company, FirstName, LastName, Phone string
	Address                                    models.Address
}
