package models

// Sealer seals what is secret at rest: AES-256-GCM with a key id, bound to
// table, column and row, so that a sealed value cannot be moved elsewhere.
type Sealer struct{}
