-- What may come in: amounts, currencies and texts that mean one thing only.

-- Decimal places of an ISO 4217 currency; null where there is no such currency. Twin: governance/case.py.
CREATE OR REPLACE FUNCTION cs._minor_units(currency text) RETURNS int
LANGUAGE sql IMMUTABLE STRICT SET search_path = cs, pg_temp AS $$
    SELECT CASE
        WHEN currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,VND,VUV,XAF,XOF,XPF}') THEN 0
        WHEN currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 3
        WHEN currency = ANY ('{AED,AFN,ALL,AMD,ANG,AOA,ARS,AUD,AWG,AZN,BAM,BBD,BDT,BGN,BMD,BND,BOB,BRL,BSD,BTN,BWP,BYN,BZD,CAD,CDF,CHF,
            CNY,COP,CRC,CUC,CUP,CVE,CZK,DKK,DOP,DZD,EGP,ERN,ETB,EUR,FJD,FKP,GBP,GEL,GHS,GIP,GMD,GTQ,GYD,HKD,HNL,HRK,HTG,HUF,IDR,ILS,INR,
            IRR,JMD,KES,KGS,KHR,KPW,KYD,KZT,LAK,LBP,LKR,LRD,LSL,MAD,MDL,MGA,MKD,MMK,MNT,MOP,MRU,MUR,MVR,MWK,MXN,MYR,MZN,NAD,NGN,NIO,NOK,
            NPR,NZD,PAB,PEN,PGK,PHP,PKR,PLN,QAR,RON,RSD,RUB,SAR,SBD,SCR,SDG,SEK,SGD,SHP,SLE,SLL,SOS,SRD,SSP,STN,SVC,SYP,SZL,THB,TJS,TMT,
            TOP,TRY,TTD,TWD,TZS,UAH,USD,UYU,UZS,VED,VES,WST,XCD,XCG,YER,ZAR,ZMW,ZWG,ZWL}') THEN 2
    END
$$;

-- An amount as text, in plain digits and no finer than its currency. Raises CS450 to CS453. Null is unknown, and judged as such.
CREATE OR REPLACE FUNCTION cs._check_amount(amount text, currency text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = cs, pg_temp AS $$
BEGIN
    IF currency IS NOT NULL AND cs._minor_units(currency) IS NULL THEN
        PERFORM cs._refuse('CS453', 'a currency is a code of ISO 4217 in capital letters, such as EUR');
    END IF;
    IF amount !~ '^-?[0-9]+(\.[0-9]+)?$' THEN
        PERFORM cs._refuse('CS450', 'an amount is a finite decimal in plain digits, such as 1234.50');
    END IF;
    IF amount !~ '^-?0*[0-9]{1,15}(\.[0-9]{1,40})?$' THEN
        PERFORM cs._refuse('CS452', 'an amount is below 10**15');
    END IF;
    IF scale(trim_scale(amount::numeric)) > coalesce(cs._minor_units(currency), 3) THEN
        PERFORM cs._refuse('CS451', coalesce(currency || ' has ' || cs._minor_units(currency), 'an amount without a currency has at most 3') || ' decimals: round it where it comes from');
    END IF;
END $$;

-- Texts by which things are told apart: what cannot be seen, or looks like another letter, is not in them. Raises CS454.
CREATE OR REPLACE FUNCTION cs._check_texts(item jsonb, names text[], whose text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = cs, pg_temp AS $$
DECLARE
    name text;
    said text;
BEGIN
    FOREACH name IN ARRAY names LOOP
        said := item->>name;
        -- Control characters, zero width and soft hyphens, marks that turn the direction of writing round.
        IF said ~ U&'[\0001-\001f\007f-\009f\00ad\061c\180e\200b\200e\200f\202a-\202e\2060-\2069\feff\fff9-\fffb]'
           OR said ~ U&'[A-Za-z0-9][\200c\200d]|[\200c\200d][A-Za-z0-9]' THEN
            PERFORM cs._refuse('CS454', whose || ' ' || name || ' has characters that nobody can see: write it without them');
        END IF;
        -- One word of two alphabets passes for another word.
        IF said ~ U&'[A-Za-z]\\w*[\0370-\03ff\0400-\052f]|[\0370-\03ff\0400-\052f]\\w*[A-Za-z]' THEN
            PERFORM cs._refuse('CS454', whose || ' ' || name || ' mixes alphabets within a word: write it in one');
        END IF;
    END LOOP;
END $$;

-- An account is compared letter by letter: spaces or small letters would make another payee of it. Raises CS454.
CREATE OR REPLACE FUNCTION cs._check_account(iban text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = cs, pg_temp AS $$
BEGIN
    IF iban !~ '^[A-Z0-9/._-]{1,64}$' THEN
        PERFORM cs._refuse('CS454', 'an account is written in capital letters and digits, without spaces');
    END IF;
END $$;

-- One item of intake. Raises CS400, CS439, CS450 to CS454.
CREATE OR REPLACE FUNCTION cs._check_item(item jsonb) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = cs, pg_temp AS $$
BEGIN
    IF jsonb_typeof(item) IS DISTINCT FROM 'object' OR coalesce(item->>'source_key', '') = '' OR coalesce(item->>'queue', '') = '' THEN
        PERFORM cs._refuse('CS400', 'an item has a source_key and a queue');
    END IF;
    IF item->>'queue' = 'governance' OR item->>'source_key' LIKE 'change:%' THEN
        PERFORM cs._refuse('CS439', 'a governed change is no item of intake: propose it');
    END IF;
    IF item->>'source_key' LIKE 'watch:%' THEN
        PERFORM cs._refuse('CS400', 'source keys that begin with watch: are the clock''s own');
    END IF;
    PERFORM cs._check_amount(item->>'amount', item->>'currency');
    PERFORM cs._check_texts(item, ARRAY['source_key', 'queue', 'exception_type', 'entity', 'region', 'supplier_id', 'customer_id', 'invoice_id'], 'the item''s');
    PERFORM cs._check_account(item->>'iban');
END $$;

-- Rows of the books. Raises CS450 to CS454.
CREATE OR REPLACE FUNCTION cs._check_rows(kind text, rows jsonb) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = cs, pg_temp AS $$
DECLARE line jsonb;
BEGIN
    IF jsonb_typeof(rows) IS DISTINCT FROM 'array' THEN
        PERFORM cs._refuse('CS400', 'the books take a list of rows');
    END IF;
    FOR line IN SELECT * FROM jsonb_array_elements(rows) LOOP
        IF coalesce(line->>'amount', '0') !~ '^-?[0-9]{1,15}(\.[0-9]{1,40})?$' OR coalesce(line->>'total', '0') !~ '^-?[0-9]{1,15}(\.[0-9]{1,40})?$'
           OR coalesce(line->>'credit_limit', '0') !~ '^-?[0-9]{1,18}(\.[0-9]{1,40})?$' THEN
            PERFORM cs._refuse('CS450', 'an amount is a finite decimal in plain digits below 10**15, such as 1234.50');
        END IF;
        IF kind = 'fx' THEN
            IF coalesce(line->>'currency', '') !~ '^[A-Z]{3}$' THEN
                PERFORM cs._refuse('CS453', 'a currency is a code of ISO 4217 in capital letters, such as EUR');
            END IF;
            IF coalesce(line->>'per_eur', '') !~ '^[0-9]{1,12}(\.[0-9]{1,20})?$' OR line->>'per_eur' !~ '[1-9]' THEN
                PERFORM cs._refuse('CS450', 'a rate is a finite decimal above 0 in plain digits: units of the currency for one EUR');
            END IF;
        ELSIF kind IN ('suppliers', 'customers', 'entities') THEN
            PERFORM cs._check_texts(line, ARRAY['id', 'name'], 'the ' || kind || ' row''s');
            IF line->>'email' !~ '^[!-~]*$' THEN
                PERFORM cs._refuse('CS454', 'an e-mail address has plain ASCII characters only');
            END IF;
        ELSIF kind IN ('close_tasks', 'expected_documents') THEN
            PERFORM cs._check_texts(line, ARRAY['id', 'task', 'document', 'owner', 'entity', 'period', 'depends_on', 'customer_id'], 'the ' || kind || ' row''s');
            IF length(line->>'id') > 200 OR greatest(length(line->>'task'), length(line->>'document')) > 200 THEN
                PERFORM cs._refuse('CS400', 'an id, a task and a document have at most 200 characters');
            END IF;
        ELSIF kind = 'bank_accounts' THEN
            PERFORM cs._check_account(line->>'iban');
        END IF;
    END LOOP;
END $$;
