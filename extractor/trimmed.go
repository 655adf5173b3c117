package extractor

// The contents of entries without what identifies a customer, as SQL: one
// expression for each column that holds contents.
const (
	payloadTrimmed = payloadPlain + forgetting
	priorTrimmed   = priorPlain + forgetting
	heldTrimmed    = heldPlain + forgetting
	// identifying matches contents that hold something to forget.
	identifying = `'"(line1|city|description)"'`

	forgetting = `::jsonb #- '{shipToAddress,line1}' #- '{shipToAddress,city}' #- '{shipFromAddress,line1}' #- '{shipFromAddress,city}' #- '{description}'`

	// Plain contents are without NUL characters, which jsonb does not take. A
	// backslash that is itself escaped does not begin one.
	payloadPlain = `CASE WHEN strpos(payload` + plainOf + `payload ELSE regexp_replace(payload` + withoutNUL
	priorPlain   = `CASE WHEN strpos(prior_payload` + plainOf + `prior_payload ELSE regexp_replace(prior_payload` + withoutNUL
	heldPlain    = `CASE WHEN strpos(held_payload` + plainOf + `held_payload ELSE regexp_replace(held_payload` + withoutNUL
	plainOf      = `, '\u0000') = 0 THEN `
	withoutNUL   = `, '(?<!\\)((?:\\\\)*)\\u0000', '\1', 'g') END`
)
