package bigcommerce

import (
	"regexp"
	"strings"

	"extractor/models"
)

// information is what a store tells of itself.
type information struct {
	ID          string `json:"id"` // the hash
	Name        string `json:"name"`
	FirstName   string `json:"first_name"`
	LastName    string `json:"last_name"`
	Address     string `json:"address"` // as people write it, in one text
	CountryCode string `json:"country_code"`
	Phone       string `json:"phone"`
	AdminEmail  string `json:"admin_email"`
	Timezone    struct {
		Name string `json:"name"`
	} `json:"timezone"`
}

// stateAndZip is the end of a US address in free text: a state's code or name,
// and a ZIP code.
var stateAndZip = regexp.MustCompile(`(?:\b([A-Z]{2})|,\s*([A-Za-z][A-Za-z. ]+?))[,.]?\s+(\d{5}(?:-\d{4})?)\s*(?:[,.]?\s*(?i:USA?|United States(?: of America)?))?[\s.]*$`)

// place reads the store's address. Where it has no state and ZIP code that can
// be told apart it is left out: the target then takes the company's own.
func (i information) place() models.Address {
	text := strings.Join(strings.Fields(strings.NewReplacer("\r\n", ", ", "\n", ", ", "\r", ", ").Replace(i.Address)), " ")
	at := stateAndZip.FindStringSubmatchIndex(text)
	if at == nil || i.CountryCode != "" && i.CountryCode != "US" {
		return models.Address{}
	}
	m := stateAndZip.FindStringSubmatch(text)
	a := models.Address{State: m[1] + m[2], Zip: m[3], Country: "US"}
	a.Line1, a.City = lineAndCity(strings.Trim(text[:at[0]], ", "))
	return a
}

// lineAndCity divides what stands before the state; the last comma does it.
func lineAndCity(text string) (line, city string) {
	i := strings.LastIndex(text, ",")
	if i < 0 {
		return text, ""
	}
	return strings.Trim(text[:i], ", "), strings.TrimSpace(text[i+1:])
}
