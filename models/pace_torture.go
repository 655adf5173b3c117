//go:build torture

package models

// Pace makes a minute of the service's life four seconds, for the harness in
// torture. Leases, time limits, the quiet time and the sweep are divided by it
// once: whatever has to be longer than something else stays so, by the same
// factor. The longest backoff, probes and the hour of patience are divided by
// it twice: no promise depends on how they compare with the others, and a
// schedule that waited for them would mostly wait.
const Pace = 15
