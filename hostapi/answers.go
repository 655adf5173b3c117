package hostapi

import "extractor/models"

// Unreadable is the error of a host's answer that is not what was agreed. Nothing
// of it is used. cause must not quote the answer.
func Unreadable(title string, cause error) error {
	return models.Errorf(models.Unavailable, "%s sent an answer that cannot be read. We try again by ourselves.", title).Because(cause)
}

// Misunderstood is the error of a request that the host refuses to understand.
// cause must not quote the answer.
func Misunderstood(title string, cause error) error {
	return models.Errorf(models.Internal, "%s did not understand a request of ours.", title).Because(cause)
}

// AboutOurs turns the errors that rest.Caller.Check makes of a refused request
// into Misunderstood: while we are only reading, they are about our request, and
// not about a record, which Refused would set aside.
func AboutOurs(err error, title string, cause error) error {
	switch models.KindOf(err) {
	case models.Refused, models.TooLarge:
		return Misunderstood(title, cause)
	}
	return err
}
