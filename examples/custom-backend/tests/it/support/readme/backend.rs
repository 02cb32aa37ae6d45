#[derive(Clone, Serialize, Deserialize)]
struct Login { host: String, user: String, password: SecretString } // other keys of the document survive

struct MailRelay;

#[async_trait]
impl CredentialBackend for MailRelay {
    type Credential = Login;

    fn profile(&self) -> Profile { Profile::chosen("mail-relay") }

    fn id(&self, login: &Login) -> Option<String> { Some(login.user.clone()) }

    async fn create(&self, ctx: &StepContext<'_>, live: Live<'_, Login>) -> Result<Login, BackendError> {
        let password = PasswordPolicy::default().generate(ctx.random())?;
        Ok(Login { password, ..live.current().clone() })
    }

    async fn set(&self, ctx: &StepContext<'_>, pending: &Login, live: Live<'_, Login>) -> Result<(), BackendError> {
        let current = live.current();
        if (&pending.host, &pending.user) != (&current.host, &current.user) {
            return Err(BackendError::misconfigured("AWSPENDING aims at another host or user than AWSCURRENT"));
        }
        if ctx.timeout(relay::log_in(pending)).await?.is_ok() { return Ok(()); } // an earlier try got this far
        ctx.timeout(relay::change_password(current, &pending.password)).await?
            .map_err(|e| BackendError::unavailable("the relay did not change the password").with_source(e))
    }

    async fn test(&self, ctx: &StepContext<'_>, pending: &Login) -> Result<(), BackendError> {
        ctx.timeout(relay::log_in(pending)).await?
            .map_err(|e| BackendError::unavailable("the relay refused the login").with_source(e))
    }

    async fn retire(&self, _: &StepContext<'_>, _: &Login, _: Retire) -> Result<Retirement, BackendError> {
        Ok(Retirement::kept("changed in place: the old password ended in setSecret"))
    }
}
