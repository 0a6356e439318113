with headers as (

    select * from {{ ref('stg_xledger__transaction_header') }}

),

document_types as (

    select * from {{ ref('document_types') }}

),

types as (

    select
        headers.document_type,
        min(headers.document_type_name) as document_type_name,
        coalesce(min(document_types.document_role), 'other') as document_role,
        headers.document_type in {{ text_list(var('spend_document_types')) }} as is_spend_document_type
    from headers
    left join document_types
        on headers.document_type = document_types.document_type
    where headers.document_type is not null
    group by headers.document_type

)

select * from types
