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

// usEnd is how an address in the US may end, behind its state.
const usEnd = `[,.]?\s+(\d{5}(?:-\d{4})?)\s*(?:[,.]?\s*(?i:USA?|United States(?: of America)?))?[\s.]*$`

// stateAndZip find a state and a ZIP code at the end of free text: the state by
// its code, else by whatever stands behind a comma.
var stateAndZip = []*regexp.Regexp{
	regexp.MustCompile(`\b([A-Z]{2})` + usEnd),
	regexp.MustCompile(`,\s*([A-Za-z][A-Za-z. ]+?)` + usEnd),
}

// place reads the store's address. Where it has no state and ZIP code that can
// be told apart it is left out: the target then takes the company's own.
func (i information) place() models.Address {
	text := strings.Join(strings.Fields(strings.NewReplacer("\r\n", ", ", "\n", ", ", "\r", ", ").Replace(i.Address)), " ")
	if i.CountryCode != "" && i.CountryCode != "US" {
		return models.Address{}
	}
	for _, pattern := range stateAndZip {
		if m := pattern.FindStringSubmatch(text); m != nil {
			a := models.Address{State: m[1], Zip: m[2], Country: "US"}
			a.Line1, a.City = lineAndCity(strings.Trim(strings.TrimSuffix(text, m[0]), ", "))
			return a
		}
	}
	return models.Address{}
}

// lineAndCity divides what stands before the state; the last comma does it.
func lineAndCity(text string) (line, city string) {
	i := strings.LastIndex(text, ",")
	if i < 0 {
		return text, ""
	}
	return strings.Trim(text[:i], ", "), strings.TrimSpace(text[i+1:])
}
