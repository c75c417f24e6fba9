-- Numerator and denominator of every indicator and community for March 2024, as a good engineer would write them for
-- this one month on DuckDB: every value of the policy stands where it is used. The parts of `three_rates` are rows of
-- their own. `landings` numbers the batches in the order of landing, `working_deadlines` is the calendar's answer for
-- each tier and reporting day.
WITH landed AS (
    SELECT *
    FROM read_parquet(getvariable('events'), hive_partitioning = true)
    JOIN landings USING (batch_id)
),
newest AS (
    SELECT *
    FROM landed
    QUALIFY row_number() OVER (
        PARTITION BY platform, event_id ORDER BY updated_at DESC, landing_no DESC, record_no DESC
    ) = 1
),
dated AS (
    SELECT
        newest.*,
        coalesce(
            extended_to,
            due_at,
            CASE WHEN urgent OR newest.tier = 1 THEN reported_at + INTERVAL 24 HOUR ELSE deadline_at END
        ) AS due_by_at
    FROM newest
    LEFT JOIN working_deadlines
        ON working_deadlines.tier = newest.tier
        AND working_deadlines.reported_on = CAST(reported_at + INTERVAL 8 HOUR AS DATE)
    WHERE status <> 'void' AND newest.tier BETWEEN 1 AND 4 AND category <> 'other'
),
due AS (
    SELECT *, date_trunc('month', due_by_at + INTERVAL 8 HOUR) AS month
    FROM dated
    WHERE due_by_at >= TIMESTAMP '2023-12-31 16:00:00' AND due_by_at < TIMESTAMP '2024-03-31 16:00:00'
),
judged AS (
    SELECT
        *,
        coalesce(
            status = 'closed'
            AND NOT forced_close
            AND closed_at <= month + INTERVAL 1 MONTH + INTERVAL 2 DAY - INTERVAL 8 HOUR,
            false
        ) AS is_closed
    FROM due
),
monthly AS (
    SELECT
        community_code,
        category,
        month,
        count(*) AS due,
        count(*) FILTER (WHERE is_closed) AS closed,
        count(*) FILTER (WHERE is_closed AND closed_at <= due_by_at) AS on_time,
        count(*) FILTER (WHERE reopened > 0) AS reworked,
        count(*) FILTER (
            WHERE responded_at <= reported_at + CASE WHEN urgent THEN INTERVAL 2 HOUR ELSE INTERVAL 24 HOUR END
        ) AS responded,
        count(*) FILTER (WHERE solved) AS solved,
        count(solved) AS solution_known,
        count(*) FILTER (WHERE satisfaction IN ('satisfied', 'basically_satisfied')) AS satisfied,
        count(*) FILTER (WHERE satisfaction IN ('satisfied', 'basically_satisfied', 'dissatisfied')) AS answered
    FROM judged
    GROUP BY ALL
),
indicators (indicator, category, counted, total, minimum) AS (
    VALUES
        ('wish_closed', 'wish', 'closed', 'due', 10),
        ('city_case_on_time', 'city_case', 'on_time', 'due', 10),
        ('city_case_rework', 'city_case', 'reworked', 'due', 10),
        ('market_case_on_time', 'market_case', 'on_time', 'due', 10),
        ('market_hazard_closed', 'market_hazard_general', 'closed', 'due', 10),
        ('market_hazard_major_closed', 'market_hazard_major', 'closed', 'due', 0),
        ('employment_satisfaction', 'employment', 'satisfied', 'answered', 10),
        ('dispute_closed', 'dispute', 'closed', 'due', 10),
        ('hazard_closed', 'hazard_general', 'closed', 'due', 10),
        ('hazard_major_closed', 'hazard_major', 'closed', 'due', 0),
        ('service_on_time', 'service', 'on_time', 'due', 10),
        ('service_satisfaction', 'service', 'satisfied', 'answered', 10),
        ('three_rates.responded', 'service', 'responded', 'due', 10),
        ('three_rates.solved', 'service', 'solved', 'solution_known', 10),
        ('three_rates.satisfied', 'service', 'satisfied', 'answered', 10)
),
tallies AS (
    SELECT
        community_code,
        indicator,
        month = TIMESTAMP '2024-03-01' AS is_judged,
        CASE counted
            WHEN 'closed' THEN closed
            WHEN 'on_time' THEN on_time
            WHEN 'reworked' THEN reworked
            WHEN 'responded' THEN responded
            WHEN 'solved' THEN solved
            WHEN 'satisfied' THEN satisfied
        END AS numerator,
        CASE total WHEN 'due' THEN due WHEN 'answered' THEN answered WHEN 'solution_known' THEN solution_known END
            AS denominator
    FROM monthly
    JOIN indicators USING (category)
),
communities AS (
    SELECT *
    FROM (
        SELECT *
        FROM read_parquet(getvariable('communities'), hive_partitioning = true)
        JOIN landings USING (batch_id)
        QUALIFY row_number() OVER (
            PARTITION BY community_code, valid_from ORDER BY landing_no DESC, record_no DESC
        ) = 1
    )
    WHERE DATE '2024-03-31' BETWEEN valid_from AND coalesce(valid_to, DATE '2024-03-31')
    QUALIFY row_number() OVER (PARTITION BY community_code ORDER BY valid_from DESC) = 1
),
grids AS (
    SELECT *
    FROM (
        SELECT *
        FROM read_parquet(getvariable('grids'), hive_partitioning = true)
        JOIN landings USING (batch_id)
        QUALIFY row_number() OVER (PARTITION BY grid_code, valid_from ORDER BY landing_no DESC, record_no DESC) = 1
    )
    WHERE DATE '2024-03-31' BETWEEN valid_from AND coalesce(valid_to, DATE '2024-03-31')
    QUALIFY row_number() OVER (PARTITION BY grid_code ORDER BY valid_from DESC) = 1
),
sheets AS (
    SELECT *
    FROM read_parquet(getvariable('branch_sheet'), hive_partitioning = true)
    JOIN landings USING (batch_id)
    WHERE month = '2024-03'
    QUALIFY row_number() OVER (PARTITION BY community_code, month ORDER BY landing_no DESC, record_no DESC) = 1
),
summed AS (
    SELECT
        community_code,
        indicator,
        minimum,
        sum(numerator) FILTER (WHERE is_judged) AS month_numerator,
        coalesce(sum(denominator) FILTER (WHERE is_judged), 0) AS month_denominator,
        sum(numerator) AS window_numerator,
        sum(denominator) AS window_denominator
    FROM communities
    CROSS JOIN indicators
    LEFT JOIN tallies USING (community_code, indicator)
    GROUP BY ALL
)
SELECT
    community_code,
    indicator,
    CAST(coalesce(if(month_denominator >= minimum, month_numerator, window_numerator), 0) AS BIGINT) AS numerator,
    CAST(coalesce(if(month_denominator >= minimum, month_denominator, window_denominator), 0) AS BIGINT)
        AS denominator
FROM summed
UNION ALL
SELECT community_code, 'grid_party_coverage', count(*) FILTER (WHERE party_unit IN ('branch', 'group')), count(grid_code)
FROM communities
LEFT JOIN grids USING (community_code)
GROUP BY ALL
UNION ALL
SELECT community_code, 'meetings_held', coalesce(least(meetings_held, meetings_required), 0), coalesce(meetings_required, 0)
FROM communities
LEFT JOIN sheets USING (community_code)
UNION ALL
SELECT community_code, 'centre_standard', coalesce(CAST(centre_standard AS BIGINT), 0), count(sheets.community_code)
FROM communities
LEFT JOIN sheets USING (community_code)
GROUP BY ALL
UNION ALL
SELECT community_code, 'property_coverage', coalesce(property_covered, 0), coalesce(property_total, 0)
FROM communities
LEFT JOIN sheets USING (community_code)
