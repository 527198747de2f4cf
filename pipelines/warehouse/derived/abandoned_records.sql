/*
One row for each record of a main transcript on an abandoned branch: the conversation was rewound to before it and continued
on another branch. The active branch is the one that ends with the last question or answer of its tree. A prompt without a parent
begins a new tree, unless no record of the file has a parent; of these trees and those before them, the one with the last question or
answer is active.

refresh: session

- home_id (text, required): The home.
- session_id (text): The session.
- file_id (integer, required): The record's file.
- byte_offset (integer, required): Its offset.
- prompt_byte_offset (integer): Offset, in the same file, of the prompt that begins the abandoned turn.
*/
with
    main as (
        select
            r.home_id,
            r.session_id,
            r.file_id,
            r.byte_offset,
            r.uuid,
            coalesce(r.parent_uuid, r.logical_parent_uuid) as parent_uuid,
            r.record_type,
            coalesce(s.is_prompt, false) as is_prompt
        from records r
        anti join (select file_id, byte_offset from record_copies where is_copy_in_home) c using (file_id, byte_offset)
        left join (select file_id, byte_offset, is_prompt from speakers) s using (file_id, byte_offset)
        where r.uuid is not null and r.agent_id is null and not coalesce(r.is_sidechain, false)
    ),
    -- If each prompt, and the last record, follows a record of the turn before, nothing was abandoned.
    turns as (
        select
            file_id,
            byte_offset,
            parent_uuid,
            lag(byte_offset) over (partition by file_id order by byte_offset) as prompt_before
        from
            (
                select file_id, byte_offset, parent_uuid, is_prompt
                from main
                where is_prompt
                union
                select file_id, max(byte_offset), arg_max(parent_uuid, byte_offset), false
                from main
                where record_type in ('user', 'assistant')
                group by file_id
            )
    ),
    -- If no record of a file has a parent, as converters write it, a prompt without one begins no new tree.
    begun_anew as (
        select p.file_id, max(p.byte_offset) as byte_offset
        from main p
        semi join
            (
                select file_id, min(byte_offset) as byte_offset
                from main
                where parent_uuid is not null and record_type in ('user', 'assistant')
                group by file_id
            ) l
            on l.file_id = p.file_id
            and l.byte_offset < p.byte_offset
        where p.is_prompt and p.parent_uuid is null
        group by p.file_id
    ),
    rewound as (
        select t.file_id
        from turns t
        join main p on p.file_id = t.file_id and p.uuid = t.parent_uuid
        where p.byte_offset < t.prompt_before
        union
        select file_id
        from begun_anew
    ),
    nodes as (
        select m.*, p.byte_offset as parent_offset
        from main m
        semi join rewound using (file_id)
        left join main p on p.file_id = m.file_id and p.uuid = m.parent_uuid and p.byte_offset <> m.byte_offset
        qualify row_number() over (partition by m.file_id, m.byte_offset order by p.byte_offset) = 1
    ),
    -- Each step doubles the distance to the ancestor that a record knows: its root, and the prompt of its turn.
    upward as (
        with recursive
            steps as (
                select
                    file_id,
                    byte_offset,
                    parent_offset,
                    coalesce(parent_offset, byte_offset) as root_offset,
                    case when is_prompt then byte_offset else coalesce(parent_offset, byte_offset) end as prompt_offset,
                    0 as step
                from nodes
                union all
                select s.file_id, s.byte_offset, s.parent_offset, r.root_offset, p.prompt_offset, s.step + 1
                from steps s
                join steps r on r.file_id = s.file_id and r.byte_offset = s.root_offset
                join steps p on p.file_id = s.file_id and p.byte_offset = s.prompt_offset
                where s.step < 20
            )
        select file_id, byte_offset, parent_offset, root_offset, prompt_offset
        from steps
        where step = 20
    ),
    turned as (
        select u.*, n.is_prompt, n.record_type, p.is_prompt as has_prompt
        from upward u
        join nodes n using (file_id, byte_offset)
        join nodes p on p.file_id = u.file_id and p.byte_offset = u.prompt_offset
    ),
    -- The prompts on the path to the last record of each tree: the parent of each prompt belongs to the turn before.
    tips as (
        select
            t.file_id,
            t.root_offset,
            max(t.byte_offset) as leaf_offset,
            arg_max(t.prompt_offset, t.byte_offset) as prompt_offset
        from turned t
        where t.record_type in ('user', 'assistant')
        group by t.file_id, t.root_offset
    ),
    -- Of the trees that a prompt without a parent began, and of those before, the one with the last leaf is active.
    leaves as (
        select t.file_id, t.prompt_offset
        from tips t
        left join begun_anew b using (file_id)
        qualify
            coalesce(t.root_offset > b.byte_offset, true)
            or t.leaf_offset = max(t.leaf_offset) over (partition by t.file_id)
    ),
    active as (
        with recursive
            way as (
                select file_id, prompt_offset
                from leaves
                union
                select w.file_id, before.prompt_offset
                from way w
                join turned t on t.file_id = w.file_id and t.byte_offset = w.prompt_offset
                join turned before on before.file_id = t.file_id and before.byte_offset = t.parent_offset
            )
        select file_id, prompt_offset
        from way
    )
select m.home_id, m.session_id, m.file_id, m.byte_offset, t.prompt_offset as prompt_byte_offset
from turned t
join main m using (file_id, byte_offset)
anti join active a on a.file_id = t.file_id and a.prompt_offset = t.prompt_offset
where t.has_prompt
