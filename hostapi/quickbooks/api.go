package quickbooks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"extractor/hostapi"
	"extractor/internal/jsonscan"
	"extractor/internal/rest"
	"extractor/models"
)

// throttlePause is Intuit's advice for a request that was one too many, where
// the answer has none of its own.
const throttlePause = time.Minute

// errDecode is the cause where an answer could not be decoded: the decoder's own
// words may quote it.
var errDecode = errors.New("decode: not what was agreed")

// session speaks for one company.
type session struct {
	rest.Caller
	base  string // of the company's addresses
	realm string
}

func (h *host) session(c *http.Client, realm string) session {
	return session{rest.Caller{Client: c, Title: title}, h.at.api + "/v3/company/", realm}
}

// get is the answer to a reading request. JSON has to be asked for.
func (s session) get(ctx context.Context, path string, query url.Values) ([]byte, error) {
	if !realmID.MatchString(s.realm) {
		return nil, models.Errorf(models.Internal, "This connection has no QuickBooks company.")
	}
	if query == nil {
		query = url.Values{}
	}
	query.Set("minorversion", minorVersion)
	address := s.base + s.realm + "/" + path + "?" + query.Encode()
	answer, err := s.Send(ctx, http.MethodGet, address, http.Header{"Accept": {"application/json"}}, nil)
	if err != nil {
		return nil, err
	}
	return answer.Body, s.check(answer)
}

// read is get, decoded into out.
func (s session) read(ctx context.Context, path string, query url.Values, out any) error {
	body, err := s.get(ctx, path, query)
	if err != nil {
		return err
	}
	if err := jsonscan.Unmarshal(body, out); err != nil {
		return hostapi.Unreadable(title, errDecode)
	}
	return nil
}

// check turns a refusal into an error of the matching kind. The fault's codes
// know more than the status: throttling has come with 403.
// https://developer.intuit.com/app/developer/qbo/docs/develop/troubleshooting/error-codes
func (s session) check(answer *rest.Answer) error {
	err := s.Check(answer)
	if err == nil {
		return nil
	}
	codes := faultCodes(answer.Body)
	cause := fmt.Errorf("status %d, fault %s", answer.Status, strings.Join(codes, ","))
	switch {
	case slices.Contains(codes, "3001"):
		e := models.Errorf(models.Throttled, "QuickBooks asked us to slow down.").Because(cause)
		if e.RetryAfter = rest.RetryAfter(answer.Header, time.Now()); e.RetryAfter == 0 {
			e.RetryAfter = throttlePause
		}
		return e
	case slices.Contains(codes, "6190"):
		return models.Errorf(models.Unauthorised, "The QuickBooks subscription of this company has ended. Renew it at QuickBooks and authenticate the account again.").Because(cause)
	case slices.Contains(codes, "3200") && answer.Status < http.StatusInternalServerError:
		return models.Errorf(models.Unauthorised, "QuickBooks no longer lets us in.").Because(cause)
	}
	if models.KindOf(err) == models.NotFound { // the addresses are ours, too
		return hostapi.Misunderstood(title, cause)
	}
	return hostapi.AboutOurs(err, title, cause)
}

// faultCodes are the codes of a fault, without the details: these may quote
// data, and in one known case the token.
func faultCodes(body []byte) (codes []string) {
	if bytes.Contains(body, []byte("errorCode=003001")) { // in XML, too
		return []string{"3001"}
	}
	var answer struct {
		Fault struct { // encoding/json finds "fault" as well, the other spelling
			Error []struct {
				Code string `json:"code"`
			} `json:"Error"`
		} `json:"Fault"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return nil
	}
	for _, e := range answer.Fault.Error {
		codes = append(codes, strings.TrimLeft(e.Code, "0"))
	}
	return codes
}
