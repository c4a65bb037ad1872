-- Letters of one's own: a governed change of kind `template`, whose subject is <template>.<language> and whose content is a
-- table of wordings. What is no such table, names a fact that no letter knows, or says what no letter may say, is refused
-- when it is proposed. Twin: agents/own_templates.py, which also tries the letter out under the agent's guard.

CREATE OR REPLACE FUNCTION cs._template_lines(content jsonb) RETURNS SETOF text
LANGUAGE sql IMMUTABLE SET search_path = cs, pg_temp AS $$
    SELECT l.line FROM jsonb_each(content) AS t(name, value), LATERAL (
        SELECT value #>> '{}' AS line WHERE jsonb_typeof(value) = 'string' AND name = 'subject'
        UNION ALL SELECT e FROM jsonb_array_elements_text(CASE WHEN jsonb_typeof(value) = 'array' THEN value ELSE '[]' END) AS e) l
$$;

CREATE OR REPLACE FUNCTION cs._malformed_template(of_subject text, content jsonb) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = cs, pg_temp AS $$
DECLARE
    named text[] := regexp_match(of_subject, '^([a-z][a-z0-9_]{0,100})\.(en|de|fr|es|it|nl)$');
    wrong text;
BEGIN
    IF named IS NULL OR NOT EXISTS (SELECT FROM cs.action_catalogue a WHERE a.effect = 'mail' AND (named[1] = a.name OR starts_with(named[1], a.name || '_'))) THEN
        RETURN 'a template is named ACTION.LANGUAGE or ACTION_TOPIC.LANGUAGE, such as request_missing_document_insurance.de: the action writes a letter, the language is en, de, fr, es, it or nl';
    END IF;
    SELECT k INTO wrong FROM jsonb_object_keys(content) AS k WHERE NOT k = ANY ('{subject,opening,background,request,neutral,friendly,firm,final,expires_at}') ORDER BY k LIMIT 1;
    IF wrong IS NOT NULL THEN
        RETURN 'a template has subject, opening and request, and may have background, neutral, friendly, firm and final: it knows no ' || left(wrong, 60);
    END IF;
    IF jsonb_typeof(content->'subject') IS DISTINCT FROM 'string' OR NOT content ?& '{opening,request}' OR EXISTS (
            SELECT FROM jsonb_each(content) AS t WHERE NOT t.key = ANY ('{subject,expires_at}') AND (jsonb_typeof(t.value) <> 'array' OR NOT jsonb_array_length(
                CASE WHEN jsonb_typeof(t.value) = 'array' THEN t.value ELSE '[]' END) BETWEEN 1 AND 6 OR EXISTS (
                SELECT FROM jsonb_array_elements(CASE WHEN jsonb_typeof(t.value) = 'array' THEN t.value ELSE '[]' END) AS e WHERE jsonb_typeof(e) <> 'string'))) THEN
        RETURN 'a template''s subject is a text; opening, request and the others are lists of one to six texts';
    END IF;
    SELECT l INTO wrong FROM cs._template_lines(content) AS l WHERE l !~ '\S' OR length(l) > 500 OR l ~ U&'[\0001-\001f\007f-\009f\00ad\200b-\200f\202a-\202e\2060-\2069\feff]' LIMIT 1;
    IF wrong IS NOT NULL THEN
        RETURN 'a wording is one line of 1 to 500 characters that can be seen';
    END IF;
    SELECT m[1] INTO wrong FROM cs._template_lines(content) AS l, regexp_matches(l, '\{([^{}]*)\}', 'g') AS m
    WHERE NOT m[1] = ANY ('{amount,billed_price,billed_quantity,billed_rate,difference,document,due_date,expected_rate,invoice_date,invoice_number,kept_number,order,ordered_price,party,received_quantity,reference}') LIMIT 1;
    IF wrong IS NOT NULL THEN
        RETURN 'no letter knows a fact {' || left(wrong, 60) || '}';
    END IF;
    IF EXISTS (SELECT FROM cs._template_lines(content) AS l WHERE regexp_replace(regexp_replace(l, '\{[^{}]*\}', '', 'g'), '\[([^][]*)\]', '\1', 'g') ~ '[][{}]') THEN
        RETURN 'a fact is written {so}, a part that may fall away [so]: one of them is not closed, or stands in another';
    END IF;
    SELECT l INTO wrong FROM cs._template_lines(content) AS l WHERE regexp_replace(l, '\{[^{}]*\}', '', 'g') ~ '[0-9@<>|\\]|://|www\.|\w\.\w' LIMIT 1;
    IF wrong IS NOT NULL THEN
        RETURN 'a wording has no digits, addresses or links: what a letter says of a case comes from its facts (' || left(wrong, 60) || ')';
    END IF;
    SELECT l INTO wrong FROM cs._template_lines(content) AS l WHERE l ~* ('\m(iban|bic|swift|paypal|bitcoin)\M|bank (details|account|data|transfer)|account number|sort code|'
        'bankverbindung|kontoverbindung|kontonummer|bankkonto|bankdaten|coordonn[ée]es bancaires|compte bancaire|num[ée]ro de compte|datos bancarios|cuenta bancaria|'
        'n[úu]mero de cuenta|coordinate bancarie|conto (bancario|corrente)|numero di conto|bankgegevens|bankrekening|rekeningnummer') LIMIT 1;
    IF wrong IS NOT NULL THEN
        RETURN 'no letter speaks of bank details (' || left(wrong, 60) || ')';
    END IF;
    RETURN NULL;
END $$;
