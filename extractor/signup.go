package extractor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"extractor/models"
	"extractor/targetapi"
)

const (
	// signupTimeout is for one signup: the answer must not get lost, so it is
	// longer than an API usually takes, and not cut short by a shutdown.
	signupTimeout = 25 * time.Second
	// signupsAtOnce bounds one sweep to a job's time.
	signupsAtOnce = 2
)

// SignUps signs up the companies that are due, and tells of those whose answer
// was lost with the process that had asked.
func SignUps(ctx context.Context, store *models.Store, provisioner targetapi.Provisioner) error {
	due, lost, err := store.SignupsDue(ctx, signupsAtOnce)
	if err != nil {
		return err
	}
	for _, id := range lost {
		if err := loseSignup(ctx, store, id); err != nil {
			return err
		}
	}
	for _, id := range due {
		if err := SignUp(ctx, store, provisioner, id); err != nil {
			return err
		}
	}
	return nil
}

// SignUp signs up the company of one connection, if that is still to be done.
// It is noted as asked for before the request is made, so that it is made once.
func SignUp(ctx context.Context, store *models.Store, provisioner targetapi.Provisioner, id int64) error {
	g, err := store.ClaimSignup(ctx, id)
	if models.KindOf(err) == models.Conflict {
		return nil // someone else does it, or it is done
	}
	if err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	asking, cancel := context.WithTimeout(ctx, signupTimeout)
	defer cancel()
	token, err := provisioner.SignUp(asking, targetapi.SignUp(g.Details))
	if err != nil {
		return signupFailed(ctx, store, g, err)
	}
	slog.InfoContext(ctx, "company signed up", "connection", id, "host", g.Host)
	if err := store.CompleteSignup(ctx, id, token); err != nil {
		if models.KindOf(err) != models.Invalid {
			return err // still asked, so it becomes lost and a person looks at it
		}
		return stopSignup(ctx, store, id, models.SignupExists, existsMessage, err)
	}
	return nil
}

// What the merchant reads when a person has to help.
const (
	existsMessage  = "There is an account at TrustFile for your e-mail address already. Sign in there and connect your store from inside TrustFile; if that does not work, ask TrustFile's support to link it."
	lostMessage    = "TrustFile did not confirm that your account was made. Look for an e-mail from TrustFile; if there is none within an hour, ask TrustFile's support to link your store. Please do not sign up a second time."
	waitingMessage = "TrustFile does not answer just now. We keep trying; you can leave this page open or come back later."
)

// signupFailed is the one table from what went wrong to what we do about it.
func signupFailed(ctx context.Context, store *models.Store, g *models.Signup, err error) error {
	slog.WarnContext(ctx, "company not signed up", "connection", g.ConnectionID, "host", g.Host, "kind", models.KindOf(err), "error", err)
	switch models.KindOf(err) {
	case models.Conflict:
		return stopSignup(ctx, store, g.ConnectionID, models.SignupExists, existsMessage, err)
	case models.Refused, models.Invalid:
		return stopSignup(ctx, store, g.ConnectionID, models.SignupRefused,
			models.Sentence(err, "TrustFile could not make an account from your store's details. Check your name and e-mail address there, then install again."), err)
	case models.Unavailable, models.Throttled, models.Unauthorised: // nothing was made
		told := fmt.Sprintf("its company cannot be signed up at TrustFile just now; we try again. (%s)", models.KindOf(err))
		if err := store.RecordFailure(ctx, models.FailureIntegration, &g.ConnectionID, told); err != nil {
			return err
		}
		return store.PostponeSignup(ctx, g, askedWait(err), waitingMessage)
	}
	return loseSignup(ctx, store, g.ConnectionID)
}

// askedWait is how long the target asked us to wait; 0 = it did not.
func askedWait(err error) time.Duration {
	var known *models.Error
	if errors.As(err, &known) {
		return known.RetryAfter
	}
	return 0
}

// loseSignup stops a signup that may or may not have been made.
func loseSignup(ctx context.Context, store *models.Store, id int64) error {
	return stopSignup(ctx, store, id, models.SignupLost, lostMessage, nil)
}

// stopSignup leaves a signup to people, and says so to both sides.
func stopSignup(ctx context.Context, store *models.Store, id int64, state models.SignupState, message string, cause error) error {
	if err := store.StopSignup(ctx, id, state, message); err != nil {
		return err
	}
	slog.WarnContext(ctx, "signup left to people", "connection", id, "state", state, "error", cause)
	return store.RecordFailure(ctx, models.FailureConnection, &id, operatorMessage(id, state))
}

// operatorMessage tells an operator what to do.
func operatorMessage(id int64, state models.SignupState) string {
	const adopt = "Ask TrustFile for the company token and enter it for connection number %d."
	switch state {
	case models.SignupExists:
		return fmt.Sprintf("the merchant has an account at TrustFile already, so no company was made. "+adopt, id)
	case models.SignupRefused:
		return fmt.Sprintf("TrustFile refused to make a company from the details at the host. The merchant can correct them and install again (connection number %d).", id)
	}
	return fmt.Sprintf("the answer to its signup was lost, so a company may or may not have been made; it is not asked for again. "+adopt, id)
}
