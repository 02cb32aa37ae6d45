//! The memberships of the current user in other roles.

use super::pair::RolePair;
use crate::difference::Difference;
use crate::owner::OwnerRole;
use crate::plan::Plan;
use crate::roles::{Membership, Roles};

pub(super) fn compare(plan: &mut Plan, pair: RolePair<'_>, owner: Option<&OwnerRole>) {
    let (roles, pending_name) = (pair.roles, pair.pending_name);
    let inherits = roles.pending_inherits || owner.is_none() && pair.pending.is_none();
    if inherits {
        return;
    }
    for (role, how) in &pair.current.memberships {
        let is_owner = owner.is_some_and(|owner| owner.name() == role);
        if role == pending_name || is_owner {
            continue;
        }
        if how.circular {
            plan.warnings.push(format!(
                "{} is a member of {role}, which is a member of {pending_name}: {pending_name} has to do without that membership",
                pair.current.name
            ));
            continue;
        }
        let held = pair.pending.and_then(|pending| pending.memberships.get(role));
        plan.differences
            .extend(membership(roles, pending_name, role, *how, held.copied()));
    }
}

/// What makes a user's membership in a role such as another has it, where it is less.
pub(super) fn membership(
    roles: &Roles,
    user: &str,
    role: &str,
    how: Membership,
    held: Option<Membership>,
) -> Option<Difference> {
    let options = match (roles.has_options, how.inherits, how.sets) {
        (false, ..) => "",
        (true, true, true) => " WITH INHERIT TRUE, SET TRUE",
        (true, true, false) => " WITH INHERIT TRUE, SET FALSE",
        (true, false, true) => " WITH INHERIT FALSE, SET TRUE",
        // It gives the right to pass the role on, which is not copied, and no more.
        (true, false, false) => return None,
    };
    let enough = held.is_some_and(|held| {
        !roles.has_options || (held.inherits || !how.inherits) && (held.sets || !how.sets)
    });
    (!enough).then(|| Difference::Member {
        user: user.to_owned(),
        role: role.to_owned(),
        options,
    })
}
